// Before and after: a line to be dragged; left of it the original alone, right of it what was found.
import { one, show } from "./dom.js";

/** Wires the button and the line; returns the action that switches them. */
export function setUpSwipe(viewer) {
  const [button, line, over] = [one("[data-swipe-toggle]", viewer), one("[data-swipe]", viewer), one("[data-over]", viewer)];
  const picture = one("[data-picture]", viewer);
  let [on, share] = [false, 50];

  function paint() {
    over.style.clipPath = on ? `inset(0 0 0 ${share}%)` : "";
    line.style.left = `${share}%`;
    line.setAttribute("aria-valuenow", String(Math.round(share)));
    show(line, on);
    button.setAttribute("aria-pressed", String(on));
  }

  function move(wanted) {
    share = Math.min(100, Math.max(0, wanted));
    paint();
  }

  function toggle() {
    on = !on;
    paint();
  }

  button.addEventListener("click", toggle);
  line.addEventListener("pointerdown", (event) => line.setPointerCapture(event.pointerId));
  line.addEventListener("pointermove", (event) => {
    if (!line.hasPointerCapture(event.pointerId)) return;
    const box = picture.getBoundingClientRect();
    move((100 * (event.clientX - box.left)) / box.width);
  });
  line.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -2, ArrowRight: 2, Home: -100, End: 100 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move(share + step);
  });
  return toggle;
}
