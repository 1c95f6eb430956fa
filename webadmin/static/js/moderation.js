// Approve, reject or delete comments; each leaves the list when that is done.
import { call, sentence } from "./api.js";
import { all, one, tell } from "./dom.js";

const DONE = { approved: "已通过，读者现在能看到这条留言。", rejected: "已拒绝。", delete: "已删除。" };

for (const item of all("[data-comment]")) {
  for (const button of all("[data-decide]", item)) {
    button.addEventListener("click", () => decide(item, button.dataset.decide));
  }
}

async function decide(item, what) {
  const path = `/api/v1/comments/${encodeURIComponent(item.dataset.comment)}`;
  const buttons = all("button", item);
  tell(one("[data-error]"), "");
  for (const button of buttons) button.disabled = true;
  try {
    if (what === "delete") await call(path, undefined, undefined, "DELETE");
    else await call(path, { state: what }, undefined, "PUT");
    const next = item.nextElementSibling ?? item.previousElementSibling;
    item.remove();
    tell(one("[data-done]"), DONE[what]);
    if (next) one("button", next).focus();
  } catch (error) {
    tell(one("[data-error]"), sentence(error));
    for (const button of buttons) button.disabled = false;
  }
}
