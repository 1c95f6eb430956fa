// Several images: thumbnails, a slider and keys turn to another without loading the whole page.
import { send, sentence } from "./api.js";
import { all, one, tell } from "./dom.js";

const PARTS = ["[data-result]", "[data-study-head]", ".paper"]; // what tells of one image: on the screen and on paper

/** Wires the turning; `shown()` is called after another image was put in place, `busy()` forbids leaving this one. */
export function setUpSlices(result, { shown, busy }) {
  let latest = 0;

  async function load(search) {
    const mine = ++latest;
    const address = `${location.pathname}${search}`;
    try {
      const text = await (await send(address, { headers: { Accept: "text/html" } })).text();
      if (mine !== latest) return; // another was asked for meanwhile
      const page = new DOMParser().parseFromString(text, "text/html");
      if (!one("[data-result]", page)) return location.assign(address);
      for (const part of PARTS) one(part).replaceChildren(...one(part, page).childNodes);
      history.replaceState(null, "", address);
      wire();
      shown();
    } catch (error) {
      tell(one("[data-slices-error]", result) ?? one("[data-correct-error]", result), sentence(error));
    }
  }

  const place = () => {
    const slider = one("[data-slice]", result);
    return slider ? { at: Number(slider.value), last: Number(slider.max) } : { at: 1, last: 1 };
  };
  const leave = () => !busy() || window.confirm("修正还没有保存，确定放弃吗？");

  function turn(number) {
    if (leave()) load(`?image=${number}`);
  }

  /** To the next or the one before, as far as there is one. */
  function go(step) {
    const { at, last } = place();
    const wanted = Math.min(last, Math.max(1, at + step));
    if (wanted !== at) turn(wanted);
  }

  function wire() {
    one("[data-slice]", result)?.addEventListener("input", (event) => {
      one("[data-slice-text]", result).textContent = `${event.target.value} / ${event.target.max}`;
      turn(Number(event.target.value));
    });
    for (const link of all("[data-turn]", result)) {
      link.addEventListener("click", (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;
        event.preventDefault();
        if (leave()) load(link.getAttribute("href"));
      });
    }
    const current = one(".strip [aria-current]", result);
    if (current) current.parentElement.scrollLeft = current.offsetLeft - current.parentElement.clientWidth / 2;
  }

  wire();
  return { go, reload: (number) => load(`?image=${number}`) };
}
