// Admin pages: forms that call the API and then show the page anew, uploads with their progress, pages that wait.
import { send, sentence } from "./api.js";
import { all, one, show, tell } from "./dom.js";
import { transfer } from "./transfer.js";

const EVERY_MS = 2500;

for (const form of all("form[data-api]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!form.dataset.confirm || window.confirm(form.dataset.confirm)) submit(form);
  });
}
for (const form of all("form[data-upload-api]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    upload(form);
  });
}
for (const button of all("[data-print]")) {
  show(button, true);
  button.addEventListener("click", () => window.print());
}
// On paper there is nothing to click: what is folded is printed as well.
window.addEventListener("beforeprint", () => all(".chart details").forEach((each) => (each.open = true)));
if (one("[data-poll]")) setTimeout(() => location.reload(), EVERY_MS);

async function submit(form) {
  const { api, method = "POST", then } = form.dataset;
  const problem = problemOf(form);
  tell(problem, "");
  lock(form, true);
  try {
    const options = { method, headers: { Accept: "application/json" } };
    const values = valuesOf(form);
    if (values) {
      options.headers["Content-Type"] = "application/json";
      options.body = JSON.stringify(values);
    }
    const response = await send(api, options);
    const answer = response.status === 204 ? {} : await response.json();
    if (form.dataset.swap !== undefined) swap(form);
    else if (then) location.assign(then.replace("{id}", encodeURIComponent(answer.id ?? "")));
    else location.reload();
  } catch (error) {
    tell(problem, sentence(error));
    lock(form, false);
  }
}

// A deleted line stays in place with its undo, so that nothing moves under the pointer.
function swap(form) {
  const line = form.closest("[data-line]");
  lock(form, false);
  for (const each of all("form[data-swap]", line)) show(each, each !== form);
  line.classList.toggle("gone");
  one("form[data-swap]:not([hidden]) button", line)?.focus();
}

async function upload(form) {
  const [problem, bar] = [problemOf(form), one("progress", form)];
  tell(problem, "");
  lock(form, true);
  show(bar, true);
  const body = new FormData(form);
  const events = {
    onProgress: (sent, total) => (bar.value = (100 * sent) / total),
    onSent: () => bar.removeAttribute("value"),
  };
  try {
    const answer = await transfer(form.dataset.uploadApi, body, events).answer;
    location.assign(form.dataset.then.replace("{id}", encodeURIComponent(answer.id)));
  } catch (error) {
    tell(problem, sentence(error));
    show(bar, false);
    lock(form, false);
  }
}

// Names in camelCase as the API has them; a list for data-list, a number for number fields; null without any field.
function valuesOf(form) {
  const fields = [...form.elements].filter((field) => field.name);
  if (fields.length === 0) return null;
  const values = {};
  for (const field of fields) {
    if (field.dataset.list !== undefined) {
      values[field.name] ??= [];
      if (field.checked) values[field.name].push(field.value);
    } else if (field.dataset.secret !== undefined && field.value === "") continue;
    else if (field.type === "checkbox") values[field.name] = field.checked;
    else if (field.type === "number") values[field.name] = field.value === "" ? null : Number(field.value);
    else values[field.name] = field.value;
  }
  return values;
}

function problemOf(form) {
  return one("[data-error]", form) ?? form.closest("[data-line]")?.querySelector("[data-error]") ?? one("[data-page-error]");
}

function lock(form, locked) {
  for (const button of all("button", form)) button.disabled = locked;
}
