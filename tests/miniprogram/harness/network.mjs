// wx.request, uploadFile and downloadFile over the browser's own. Only the host in config.js may be spoken to, as
// WeChat's list of domains has it; it leads to the tunnel's port of the real box.

export function makeNetwork(program, harness) {
  const address = (url, fail) => {
    if (url.startsWith(`${program.origin}/`)) return harness.box + url.slice(program.origin.length);
    fail({ errMsg: `request:fail url not in domain list ${url}` });
    throw new Error(`url not in domain list: ${url}`);
  };
  return { request: request(address), uploadFile: uploadFile(address), downloadFile: downloadFile(address) };
}

function failed(name, error, timedOut) {
  const why = timedOut() ? "timeout" : error.name === "AbortError" ? "abort" : error.message;
  return { errMsg: `${name}:fail ${why}` };
}

function timer(control, ms) {
  let late = false;
  const running = setTimeout(() => {
    late = true;
    control.abort();
  }, ms);
  return { timedOut: () => late, end: () => clearTimeout(running) };
}

const request = (address) => (options) => {
  const { url, method = "GET", data, header = {}, timeout = 60000, enableChunked, success, fail } = options;
  const control = new AbortController();
  const clock = timer(control, timeout);
  const hearers = [];
  const work = async () => {
    const body = data === undefined || method === "GET" ? undefined : JSON.stringify(data);
    const headers = { "content-type": "application/json", ...header };
    const response = await fetch(address(url, fail), { method, headers, body, signal: control.signal });
    if (enableChunked) {
      const reader = response.body.getReader();
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        // As on a phone: pieces end anywhere, also within a character.
        for (let at = 0; at < value.length; at += 7)
          for (const hear of hearers) hear({ data: value.slice(at, at + 7).buffer });
      }
      return { statusCode: response.status, data: "" };
    }
    const text = await response.text();
    return { statusCode: response.status, data: parsed(text), header: Object.fromEntries(response.headers) };
  };
  work().then((answer) => success?.({ errMsg: "request:ok", ...answer }), (error) => fail?.(failed("request", error, clock.timedOut))).finally(clock.end);
  return { abort: () => control.abort(), onChunkReceived: (hear) => hearers.push(hear) };
};

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

const uploadFile = (address) => (options) => {
  const { url, filePath, name, formData = {}, header = {}, timeout = 60000, success, fail } = options;
  const sender = new XMLHttpRequest();
  const hearers = [];
  const stop = (why) => fail?.({ errMsg: `uploadFile:fail ${why}` });
  sender.upload.onprogress = ({ loaded, total }) => hearers.forEach((hear) => hear({ progress: Math.round((100 * loaded) / total) }));
  sender.onload = () => success?.({ statusCode: sender.status, data: sender.responseText, errMsg: "uploadFile:ok" });
  sender.onerror = () => stop("network");
  sender.onabort = () => stop("abort");
  sender.ontimeout = () => stop("timeout");
  let aborted = false;
  fetch(filePath).then((file) => file.blob()).then((blob) => {
    if (aborted) return;
    const form = new FormData();
    for (const [key, value] of Object.entries(formData)) form.append(key, value);
    form.append(name, blob, "photo.png");
    sender.open("POST", address(url, fail));
    sender.timeout = timeout;
    for (const [key, value] of Object.entries(header)) sender.setRequestHeader(key, value);
    sender.send(form);
  }, (error) => stop(error.message));
  return {
    abort: () => { aborted = true; if (sender.readyState) sender.abort(); else stop("abort"); },
    onProgressUpdate: (hear) => hearers.push(hear),
  };
};

const downloadFile = (address) => (options) => {
  const { url, header = {}, timeout = 60000, success, fail } = options;
  const control = new AbortController();
  const clock = timer(control, timeout);
  fetch(address(url, fail), { headers: header, signal: control.signal })
    .then(async (response) => ({ statusCode: response.status, tempFilePath: URL.createObjectURL(await response.blob()) }))
    .then((answer) => success?.({ errMsg: "downloadFile:ok", ...answer }), (error) => fail?.(failed("downloadFile", error, clock.timedOut)))
    .finally(clock.end);
  return { abort: () => control.abort(), onProgressUpdate: () => {} };
};
