// Erase all of a person's data, the own or, for an admin, another's; confirmed by the password of who does it.
import { call, sentence } from "./api.js";
import { one, show, tell } from "./dom.js";

const form = one("[data-erase]");
form?.addEventListener("submit", (event) => {
  event.preventDefault();
  erase();
});

async function erase() {
  const [problem, button] = [one("[data-error]", form), one("[data-submit]", form)];
  tell(problem, "");
  button.disabled = true;
  try {
    const password = new FormData(form).get("password");
    const gone = await call(form.dataset.erase, { password }, undefined, "DELETE");
    const done = one("[data-erased]");
    tell(done, `已删除 ${gone.studies} 次检查、${gone.consultations} 次问诊、${gone.comments} 条留言。`);
    show(one("[data-erase-box]"), false);
    const asked = one("[data-asked]");
    if (asked) show(asked, false);
    done.scrollIntoView({ block: "center" });
  } catch (error) {
    tell(problem, sentence(error));
  } finally {
    form.reset();
    button.disabled = false;
  }
}
