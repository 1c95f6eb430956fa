// The own account's devices, and the wish to have one's data deleted.
import { call, sentence } from "./api.js";
import { all, one, show, tell } from "./dom.js";

const DELETION = "/api/v1/accounts/me/deletion";
const others = one("[data-end-others]");
const rest = () => all("[data-end]");

for (const button of rest()) button.addEventListener("click", () => end(button, button.closest("[data-session]")));
others?.addEventListener("click", () => end(others, null));
one("[data-ask]")?.addEventListener("click", (event) => ask(event.target, true));
one("[data-withdraw]").addEventListener("click", (event) => ask(event.target, false));

/** End one session, or without an item all others. */
async function end(button, item) {
  tell(one("[data-sessions-error]"), "");
  button.disabled = true;
  try {
    const which = item ? encodeURIComponent(item.dataset.session) : "others";
    await call(`/api/v1/sessions/${which}`, undefined, undefined, "DELETE");
    for (const gone of item ? [item] : rest().map((each) => each.closest("[data-session]"))) gone.remove();
    if (others && !rest().length) show(others, false);
  } catch (error) {
    button.disabled = false;
    tell(one("[data-sessions-error]"), sentence(error));
  }
}

async function ask(button, wanted) {
  tell(one("[data-deletion-error]"), "");
  button.disabled = true;
  try {
    await call(DELETION, undefined, undefined, wanted ? "PUT" : "DELETE");
    show(one("[data-asked]"), wanted);
    const box = one("[data-ask-box]");
    if (box) show(box, !wanted);
  } catch (error) {
    tell(one("[data-deletion-error]"), sentence(error));
  } finally {
    button.disabled = false;
  }
}
