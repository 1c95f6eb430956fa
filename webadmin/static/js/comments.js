// Leave a comment, and delete an own one.
import { call, sentence } from "./api.js";
import { all, make, one, show, tell } from "./dom.js";

const STATES = { pending: ["待审核", "tag tag--refused"], rejected: ["未通过", "tag tag--failed"] };
const section = one("[data-comments]");
const form = one("[data-comment-form]");
const list = one("[data-comment-list]");

form.addEventListener("submit", (event) => {
  event.preventDefault();
  write();
});
for (const item of all("[data-comment]", list)) listen(item, item.dataset.comment);

async function write() {
  const [problem, button] = [one("[data-error]", form), one("[data-submit]", form)];
  tell(problem, "");
  button.disabled = true;
  try {
    list.prepend(shown(await call(section.dataset.comments, { text: form.elements.text.value })));
    form.reset();
    show(one("[data-no-comments]"), false);
  } catch (error) {
    tell(problem, sentence(error));
  } finally {
    button.disabled = false;
  }
}

function shown(comment) {
  const item = make("li", "comment");
  const head = make("p", "comment__head");
  const remove = make("button", "link", "删除");
  Object.assign(remove, { type: "button" }).dataset.delete = "";
  head.append(make("strong", "", comment.author), make("span", "muted", "刚刚"));
  if (STATES[comment.state]) head.append(make("span", STATES[comment.state][1], STATES[comment.state][0]));
  head.append(remove);
  item.append(head, make("p", "comment__text", comment.text));
  listen(item, comment.id);
  return item;
}

function listen(item, id) {
  one("[data-delete]", item)?.addEventListener("click", async (event) => {
    event.target.disabled = true;
    try {
      await call(`/api/v1/comments/${encodeURIComponent(id)}`, undefined, undefined, "DELETE");
      item.remove();
      show(one("[data-no-comments]"), !list.children.length);
    } catch (error) {
      event.target.disabled = false;
      tell(one("[data-error]", form), sentence(error));
    }
  });
}
