// The editor: what is typed is rendered by the server, so that the preview is the result.
import { call, sentence } from "./api.js";
import { all, one, pause, show, tell } from "./dom.js";
import { transfer } from "./transfer.js";

const PREVIEW_AFTER_MS = 400;
const DONE = { published: "已发布。", scheduled: "已保存，到时间自动发布。", draft: "草稿已保存。" };
const form = one("[data-editor]");
const { title, kind, body, state, at, pinned } = form.elements;
const [problem, done, preview] = ["error", "done", "preview"].map((name) => one(`[data-${name}]`, form));
let typed = 0;
let dirty = false;

if (at.dataset.at) at.value = localText(new Date(at.dataset.at));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
form.addEventListener("input", () => {
  dirty = true;
  show(done, false);
});
body.addEventListener("input", refresh);
state.addEventListener("change", () => {
  show(one("[data-schedule]", form), state.value === "scheduled");
  at.required = state.value === "scheduled";
});
for (const button of all("[data-wrap]", form)) button.addEventListener("click", () => wrap(button.dataset.wrap));
for (const button of all("[data-line]", form)) button.addEventListener("click", () => begin(button.dataset.line));
one("[data-link]", form).addEventListener("click", () => put(`[${chosen() || "文字"}](https://)`));
one("[data-picture]", form).addEventListener("change", (event) => insertPicture(event.target));
// Whoever typed before this module was there is to see it as well, and not to lose it.
if (body.value !== body.defaultValue) {
  dirty = true;
  refresh();
}
window.addEventListener("beforeunload", (event) => {
  if (dirty) event.preventDefault();
});

async function refresh() {
  typed += 1;
  const mine = typed;
  await pause(PREVIEW_AFTER_MS);
  if (mine !== typed) return;
  try {
    const { html } = await call("/api/v1/publications/preview", { body: body.value });
    // The only HTML that a module takes: the service has sanitised it, as for readers.
    if (mine === typed) preview.innerHTML = html;
  } catch (error) {
    preview.textContent = sentence(error);
  }
}

async function save() {
  const button = one("[data-submit]", form);
  tell(problem, "");
  button.disabled = true;
  try {
    const { id, basedOn } = form.dataset;
    const path = id ? `/api/v1/publications/${encodeURIComponent(id)}` : "/api/v1/publications";
    const saved = await call(path, content(basedOn), undefined, id ? "PUT" : "POST");
    dirty = false;
    Object.assign(form.dataset, { id: saved.id, basedOn: saved.updatedAt });
    history.replaceState(null, "", `/admin/publications/${encodeURIComponent(saved.id)}`);
    tell(done, DONE[saved.state]);
  } catch (error) {
    tell(problem, sentence(error));
  } finally {
    button.disabled = false;
  }
}

function content(basedOn) {
  const scheduled = state.value === "scheduled" && at.value;
  return {
    kind: kind.value,
    title: title.value,
    body: body.value,
    state: state.value,
    publishAt: scheduled ? new Date(at.value).toISOString() : null,
    pinned: pinned.checked,
    basedOn: basedOn || null,
  };
}

async function insertPicture(input) {
  const [file] = input.files;
  input.value = "";
  if (!file) return;
  const said = one("[data-picture-text]", form);
  const data = new FormData();
  data.append("file", file, file.name);
  tell(problem, "");
  said.textContent = "正在上传…";
  try {
    const sending = transfer("/api/v1/pictures", data, { onProgress: () => {}, onSent: () => {} });
    put(`\n\n${(await sending.answer).markdown}\n\n`);
  } catch (error) {
    tell(problem, sentence(error));
  } finally {
    said.textContent = "插入图片";
  }
}

const chosen = () => body.value.slice(body.selectionStart, body.selectionEnd);

function put(text) {
  body.setRangeText(text, body.selectionStart, body.selectionEnd, "end");
  body.focus();
  body.dispatchEvent(new Event("input", { bubbles: true }));
}

function wrap(mark) {
  put(`${mark}${chosen() || "文字"}${mark}`);
}

function begin(mark) {
  const start = body.value.lastIndexOf("\n", body.selectionStart - 1) + 1;
  body.setSelectionRange(start, start);
  put(mark);
}

/** A moment as `datetime-local` wants it, in the reader's own zone. */
function localText(moment) {
  return new Date(moment.getTime() - moment.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
}
