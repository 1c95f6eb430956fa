// The upload card. States: idle → ready → uploading → waiting → (the study's page), or failed → ready.
import { call, sentence } from "./api.js";
import { all, one, show, size, tell } from "./dom.js";
import { showPreviews, showProgress } from "./previews.js";
import { transfer } from "./transfer.js";

const WAIT_S = 4; // how long the card waits for a result before it goes to the page that waits

const UNFIT = [413, 415, 422]; // the files are at fault: the same ones once more would not help

const card = one("[data-upload]");
if (card) setUp(card);

function setUp(form) {
  const state = { name: "idle", files: [], sending: null, unfit: false };
  const part = (name) => one(`[data-${name}]`, form);

  function enter(name, error = "") {
    state.name = form.dataset.state = name;
    const busy = name === "uploading" || name === "waiting";
    if (!busy) showProgress(part("previews"), state.files, null);
    part("sample").disabled = busy;
    show(part("progress"), busy);
    show(part("cancel"), name === "uploading");
    show(part("submit"), !busy);
    show(part("empty"), state.files.length === 0);
    show(part("together"), !busy && state.files.length > 1);
    part("submit").disabled = state.files.length === 0 || state.unfit;
    part("submit").textContent = name !== "failed" ? "开始分割" : state.unfit ? "请重新选择图片" : "重试";
    part("pick-text").textContent = state.files.length ? "重新选择" : "选择图片";
    for (const input of all("input", form)) if (input.type === "file") input.disabled = busy;
    tell(part("error"), error);
  }

  function choose(files) {
    const chosen = [...files];
    if (!chosen.length || state.sending) return;
    const refusal = refuse(chosen, form.dataset);
    take(refusal ? [] : chosen);
    state.unfit = Boolean(refusal);
    enter(refusal ? "failed" : "idle", refusal);
  }

  function take(files) {
    state.files = files;
    showPreviews(part("previews"), files, (file) => {
      if (state.sending) return;
      state.unfit = false;
      take(state.files.filter((each) => each !== file));
      enter("idle");
    });
  }

  /** A phantom of the chosen organ, drawn by the box. */
  async function trySample() {
    const organ = new FormData(form).get("organ");
    enter("uploading");
    waiting(enter, part);
    try {
      const study = await call(`/api/v1/studies/samples?wait=${WAIT_S}`, { organ });
      location.assign(`/studies/${encodeURIComponent(study.id)}`);
    } catch (error) {
      enter("failed", sentence(error));
    }
  }

  async function submit() {
    if (!state.files.length || state.unfit || state.sending) return;
    enter("uploading");
    const each = state.files.length > 1 && new FormData(form).get("together") === "each";
    try {
      while (each && state.files.length > 1) {
        await hand(state.files.slice(0, 1), 0);
        take(state.files.slice(1)); // what was handed in is gone from here: a retry sends none twice
        enter("uploading");
      }
      const study = await hand(state.files, WAIT_S);
      location.assign(each ? "/studies" : `/studies/${encodeURIComponent(study.id)}`);
    } catch (error) {
      state.unfit = UNFIT.includes(error.status);
      enter(error.code === "cancelled" ? "idle" : "failed", error.code === "cancelled" ? "" : told(error, each, state));
    } finally {
      state.sending = null;
    }
  }

  /** One study of these files. */
  function hand(files, wait) {
    progress(part, 0, files.reduce((sum, file) => sum + file.size, 0), state.files.length - files.length);
    state.sending = transfer(`/api/v1/studies?wait=${wait}`, formOf(form, files), {
      onProgress: (sent, total) => {
        progress(part, sent, total, state.files.length - files.length);
        showProgress(part("previews"), state.files, sent);
      },
      onSent: () => (files.length === state.files.length ? waiting(enter, part) : null),
    });
    return state.sending.answer;
  }

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  part("cancel").addEventListener("click", () => state.sending?.abort());
  for (const input of [part("file"), part("camera")]) {
    input.addEventListener("change", () => {
      choose(input.files);
      input.value = ""; // the same file may be chosen again
    });
  }
  part("sample").addEventListener("click", trySample);
  document.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) choose(files);
  });
  acceptDrops(form, part("drop"), choose);
  // Coming back with the browser's button, the card is as good as new.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) location.reload();
  });
  enter("idle");
}

function refuse(files, { maxBytes, maxFiles }) {
  if (files.length > Number(maxFiles)) return `一次最多提交 ${maxFiles} 个文件。`;
  const large = files.find((file) => file.size > Number(maxBytes));
  return large ? `“${large.name}”有 ${size(large.size)}，超过上限 ${size(Number(maxBytes))}，请换一张。` : "";
}

function formOf(form, files) {
  const data = new FormData();
  const chosen = new FormData(form);
  data.append("organ", chosen.get("organ"));
  data.append("careful", chosen.has("careful") && chosen.get("organ") === "retina");
  for (const name of ["pixelMm", "sliceMm"]) if (chosen.get(name)) data.append(name, chosen.get(name));
  for (const file of files) data.append("file", file, file.name);
  return data;
}

function told(error, each, { files }) {
  return each ? `“${files[0].name}”：${sentence(error)}（它和后面的图片还没有提交）` : sentence(error);
}

function progress(part, sent, total, after) {
  const percent = total ? Math.min(100, Math.floor((100 * sent) / total)) : 0;
  part("progress-bar").value = percent;
  part("progress-text").textContent = `正在上传 ${percent} %${after ? `，之后还有 ${after} 张` : ""}`;
  part("progress-amount").textContent = `${size(sent)} / ${size(total)}`;
}

function waiting(enter, part) {
  enter("waiting");
  part("progress-bar").removeAttribute("value");
  part("progress-text").textContent = "已上传，正在分割…";
  part("progress-amount").textContent = "";
}

function acceptDrops(form, zone, choose) {
  const over = (on) => zone.classList.toggle("drop--over", on);
  for (const type of ["dragenter", "dragover"]) {
    form.addEventListener(type, (event) => {
      event.preventDefault();
      over(true);
    });
  }
  form.addEventListener("dragleave", (event) => over(form.contains(event.relatedTarget)));
  form.addEventListener("drop", (event) => {
    event.preventDefault();
    over(false);
    choose(event.dataTransfer.files);
  });
}
