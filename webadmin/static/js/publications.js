// The admin's list of publications: delete, and take that back.
import { call, sentence } from "./api.js";
import { all, one, show, tell } from "./dom.js";

const [notice, undo, problem] = [one("[data-undo]"), one("[data-undo-button]"), one("[data-error]")];
let last = null; // the row that was deleted last

const url = (item) => `/api/v1/publications/${encodeURIComponent(item.dataset.managed)}`;

for (const item of all("[data-managed]")) {
  one("[data-delete]", item)?.addEventListener("click", () => attempt(() => remove(item)));
  one("[data-restore]", item)?.addEventListener("click", () => attempt(() => restore(item)));
}
undo.addEventListener("click", () => attempt(() => bringBack(last)));

async function attempt(act) {
  tell(problem, "");
  try {
    await act();
  } catch (error) {
    tell(problem, sentence(error));
  }
}

async function remove(item) {
  await call(url(item), undefined, undefined, "DELETE");
  last = item;
  show(item, false);
  one("[data-undo-text]").textContent = `已删除“${item.dataset.title}”。`;
  show(undo, true);
  show(notice, true);
  undo.focus();
}

async function bringBack(item) {
  await call(`${url(item)}/restore`, {});
  show(item, true);
  one("[data-undo-text]").textContent = `已恢复“${item.dataset.title}”。`;
  show(undo, false);
}

async function restore(item) {
  await call(`${url(item)}/restore`, {});
  item.remove();
  one("[data-undo-text]").textContent = `已恢复“${item.dataset.title}”。`;
  show(undo, false);
  show(notice, true);
}
