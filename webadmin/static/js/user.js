// One account: create or save it, reset its password.
import { call, sentence } from "./api.js";
import { one, show, tell } from "./dom.js";

const form = one("[data-user]");
const account = (id) => `/api/v1/accounts/${encodeURIComponent(id)}`;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  save();
});
form.addEventListener("input", () => show(one("[data-done]", form), false));
one("[data-reset]")?.addEventListener("click", reset);

async function save() {
  const { username, role, fullName, department, disabled } = form.elements;
  const content = { username: username.value, role: role.value, fullName: fullName.value };
  Object.assign(content, { department: department.value, disabled: Boolean(disabled?.checked) });
  const button = one("[data-submit]", form);
  tell(one("[data-error]", form), "");
  button.disabled = true;
  try {
    const { id } = form.dataset;
    if (id) {
      await call(account(id), content, undefined, "PUT");
      show(one("[data-done]", form), true);
      button.disabled = false;
    } else {
      created(await call("/api/v1/accounts", content));
    }
  } catch (error) {
    tell(one("[data-error]", form), sentence(error));
    button.disabled = false;
  }
}

function created({ id, password }) {
  show(form, false);
  const open = one("[data-open]");
  open.href = `/admin/users/${encodeURIComponent(id)}`;
  show(open, true);
  reveal(password);
}

async function reset() {
  const button = one("[data-reset]");
  tell(one("[data-reset-error]"), "");
  button.disabled = true;
  try {
    reveal((await call(`${account(form.dataset.id)}/password`, {})).password);
    one("[data-reset-box]").open = false;
  } catch (error) {
    tell(one("[data-reset-error]"), sentence(error));
  } finally {
    button.disabled = false;
  }
}

function reveal(password) {
  one("[data-password]").textContent = password;
  show(one("[data-secret]"), true);
  one("[data-secret]").scrollIntoView({ block: "center" });
}
