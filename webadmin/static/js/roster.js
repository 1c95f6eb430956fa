// Import a roster: first a report on every row, then the good ones become accounts.
import { sentence } from "./api.js";
import { make, one, show, tell } from "./dom.js";
import { transfer } from "./transfer.js";

const ROLES = { user: "用户", clinician: "医生", admin: "管理员" };
const form = one("[data-roster]");
const [check, store] = [one("[data-check]"), one("[data-import]")];

form.addEventListener("submit", (event) => {
  event.preventDefault();
  send(true);
});
store.addEventListener("click", () => send(false));
form.elements.file.addEventListener("change", () => {
  store.disabled = true;
  show(one("[data-report]"), false);
});
one("[data-print]").addEventListener("click", () => window.print());

async function send(dry) {
  const [file] = form.elements.file.files;
  if (!file) return;
  const data = new FormData();
  data.append("file", file, file.name);
  tell(one("[data-error]"), "");
  check.disabled = store.disabled = true;
  try {
    const quiet = { onProgress: () => {}, onSent: () => {} };
    report(await transfer(`/api/v1/accounts/import?dry=${dry}`, data, quiet).answer);
  } catch (error) {
    tell(one("[data-error]"), sentence(error));
  } finally {
    check.disabled = false;
  }
}

function report({ items, good, stored }) {
  const bad = items.length - good;
  const skipped = bad ? `，${bad} 行有问题${stored ? "，已跳过" : ""}` : "";
  one("[data-report-title]").textContent = stored ? `已导入 ${good} 个账号${skipped}` : `${good} 行可以导入${skipped}`;
  one("[data-report-rows]").replaceChildren(...items.map((item) => line(item, stored)));
  show(one("[data-passwords]"), stored && good > 0);
  show(one("[data-print]"), stored && good > 0);
  show(one("[data-report]"), true);
  store.disabled = stored || good === 0;
  store.textContent = stored ? "已导入" : `导入 ${good} 个账号`;
}

function line(item, stored) {
  const row = make("tr");
  const cells = [item.line, item.username, item.fullName, item.department, ROLES[item.role] ?? item.role];
  row.append(...cells.map((text) => make("td", "", String(text))));
  const result = make("td");
  if (item.problem) result.append(make("span", "tag tag--failed", "有问题"), ` ${item.problem}`);
  else if (stored) result.append(make("span", "secret", item.password));
  else result.append(make("span", "tag tag--succeeded", "可以导入"));
  row.append(result);
  return row;
}
