// Change the own password.
import { call, sentence } from "./api.js";
import { one, show, tell } from "./dom.js";

const form = one("[data-password]");
form.addEventListener("submit", (event) => {
  event.preventDefault();
  change();
});

async function change() {
  const [problem, done, button] = [one("[data-error]", form), one("[data-done]", form), one("[data-submit]", form)];
  const { old, new: fresh, repeated } = Object.fromEntries(new FormData(form));
  tell(problem, fresh === repeated ? "" : "两次输入的新密码不一致。");
  show(done, false);
  if (!problem.hidden) return;
  button.disabled = true;
  try {
    await call("/api/v1/accounts/me/password", { oldPassword: old, newPassword: fresh });
    form.reset();
    show(done, true);
    one("[data-initial]")?.remove();
  } catch (error) {
    tell(problem, sentence(error));
  } finally {
    button.disabled = false;
  }
}
