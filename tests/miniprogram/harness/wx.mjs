// WeChat's API over the browser's, as far as the program uses it. `harness` is what a test turns: the network's mood,
// permissions, WeChat's codes; what the program did with the phone is written down in `harness.done`.
import { makeNetwork } from "./network.mjs";

const TOAST_MS = 1500;

export function makeWx(program, stack) {
  const harness = { box: globalThis.BOX, streams: true, agreed: false, album: "allowed", code: "", done: [], limit: 0 };
  globalThis.harness = harness;
  const note = (name, facts) => harness.done.push({ name, ...facts });
  return {
    ...makeNetwork(program, harness),
    ...storage(),
    ...navigation(program, stack),
    ...dialogs(harness),
    ...media(harness, note),
    canIUse: (name) => (name === "request.object.enableChunked" ? harness.streams : true),
    login: () => Promise.resolve({ code: harness.code, errMsg: "login:ok" }),
    setClipboardData: answering("setClipboardData", ({ data }) => note("copied", { data })),
    makePhoneCall: answering("makePhoneCall", ({ phoneNumber }) => note("called", { phoneNumber })),
    stopPullDownRefresh: () => note("refreshed", {}),
  };
}

/** A function of WeChat's shape: success or fail and complete are called, or a promise is returned. */
function answering(name, work) {
  return (options = {}) => {
    const run = Promise.resolve()
      .then(() => work(options))
      .then(
        (result) => ({ ok: true, value: { errMsg: `${name}:ok`, ...(result ?? {}) } }),
        (error) => ({ ok: false, value: { errMsg: `${name}:fail ${error.message}` } }),
      );
    if (!options.success && !options.fail && !options.complete)
      return run.then(({ ok, value }) => (ok ? value : Promise.reject(value)));
    run.then(({ ok, value }) => {
      (ok ? options.success : options.fail)?.(value);
      options.complete?.(value);
    });
    return undefined;
  };
}

function storage() {
  return {
    getStorageSync(key) {
      const kept = localStorage.getItem(key);
      return kept === null ? "" : JSON.parse(kept);
    },
    setStorageSync: (key, value) => localStorage.setItem(key, JSON.stringify(value)),
    removeStorageSync: (key) => localStorage.removeItem(key),
  };
}

function navigation(program, stack) {
  const go = (name) =>
    answering(name, ({ url }) => {
      const [route, query = ""] = url.replace(/^\//, "").split("?");
      const pairs = query.split("&").filter(Boolean).map((pair) => pair.split("="));
      stack[name](route, Object.fromEntries(pairs)); // as WeChat does, without decoding
    });
  return {
    navigateTo: go("navigateTo"),
    redirectTo: go("redirectTo"),
    switchTab: go("switchTab"),
    navigateBack: answering("navigateBack", ({ delta }) => stack.navigateBack(delta)),
    setNavigationBarTitle: answering("setNavigationBarTitle", ({ title }) => {
      const page = stack.top();
      if (page) page.title = title;
      document.querySelector("#title").textContent = title;
    }),
  };
}

function dialogs(harness) {
  return {
    showToast: answering("showToast", ({ title }) => {
      const toast = document.querySelector("#toast");
      toast.textContent = title;
      toast.hidden = false;
      harness.done.push({ name: "toast", title });
      setTimeout(() => { toast.hidden = true; }, TOAST_MS);
    }),
    showModal: answering("showModal", ({ title, content, confirmText = "确定", cancelText = "取消" }) => {
      if (confirmText.length > 4 || cancelText.length > 4) throw new Error("a button of a modal has 4 characters at most");
      return new Promise((resolve) => {
        const modal = document.querySelector("#modal");
        const say = (confirm) => () => {
          modal.hidden = true;
          resolve({ confirm, cancel: !confirm });
        };
        modal.querySelector("h2").textContent = title;
        modal.querySelector("p").textContent = content;
        const [no, yes] = modal.querySelectorAll("button");
        Object.assign(no, { textContent: cancelText, onclick: say(false) });
        Object.assign(yes, { textContent: confirmText, onclick: say(true) });
        modal.hidden = false;
      });
    }),
  };
}

function media(harness, note) {
  let asking = null;
  /** WeChat's privacy question, before camera, album and saving. */
  const agreed = async () => {
    if (harness.agreed) return;
    if (!asking) throw new Error("privacy permission is not authorized");
    const answer = await new Promise((resolve) => asking(resolve));
    if (answer.event !== "agree" || answer.buttonId !== "agree") throw new Error("privacy permission is not authorized");
    harness.agreed = true;
  };
  const save = async ({ filePath }) => {
    await agreed();
    if (harness.album === "denied") throw new Error("auth deny");
    const blob = await (await fetch(filePath)).blob();
    note("saved", { type: blob.type, size: blob.size });
    const link = Object.assign(document.createElement("a"), { href: filePath, download: "saved.png" });
    link.click();
  };
  return {
    onNeedPrivacyAuthorization: (listener) => { asking = listener; },
    getPrivacySetting: answering("getPrivacySetting", () => ({ needAuthorization: !harness.agreed, privacyContractName: "《乡医隐私保护指引》" })),
    openPrivacyContract: answering("openPrivacyContract", () => note("contract", {})),
    chooseMedia: answering("chooseMedia", async ({ sourceType }) => {
      await agreed();
      const file = await pick();
      note("chosen", { source: sourceType[0] });
      return { tempFiles: [{ tempFilePath: URL.createObjectURL(file), size: file.size + harness.limit, fileType: "image" }] };
    }),
    compressImage: answering("compressImage", async ({ src, quality }) => {
      const bitmap = await createImageBitmap(await (await fetch(src)).blob());
      const canvas = new OffscreenCanvas(bitmap.width, bitmap.height);
      canvas.getContext("2d").drawImage(bitmap, 0, 0);
      const blob = await canvas.convertToBlob({ type: "image/jpeg", quality: quality / 100 });
      return { tempFilePath: URL.createObjectURL(blob) };
    }),
    getFileSystemManager: () => ({
      getFileInfo: answering("getFileInfo", async ({ filePath }) => ({ size: (await (await fetch(filePath)).blob()).size })),
    }),
    previewImage: answering("previewImage", ({ urls }) => note("previewed", { count: urls.length })),
    saveImageToPhotosAlbum: answering("saveImageToPhotosAlbum", save),
    openSetting: answering("openSetting", () => {
      note("settings", {});
      if (harness.album === "denied" && harness.gives) harness.album = "allowed";
      return { authSetting: { "scope.writePhotosAlbum": harness.album !== "denied" } };
    }),
  };
}

function pick() {
  return new Promise((resolve, reject) => {
    const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*" });
    input.onchange = () => resolve(input.files[0]);
    input.oncancel = () => reject(new Error("cancel"));
    input.click();
  });
}
