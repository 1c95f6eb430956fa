// The viewer of one image: its stage, layers, tuning, comparison, full screen and correction put together.
import { setUpCorrection } from "./correct.js";
import { one } from "./dom.js";
import { setUpLayer } from "./layer.js";
import { setUpStage } from "./stage.js";
import { setUpSwipe } from "./swipe.js";
import { setUpTuning } from "./tuning.js";

const PAN_PX = 60;

/** Wires a viewer; `go(step)` turns to another image, `reload()` shows this one anew. Returns its keys and `busy()`. */
export function setUpViewer(viewer, { go, reload }) {
  const pens = { draw: null, tune: null };
  const layer = setUpLayer(viewer);
  const stage = setUpStage(viewer, pens);
  const tuning = setUpTuning(viewer);
  pens.tune = tuning.pen;
  const swipe = setUpSwipe(viewer);
  const correction = setUpCorrection(viewer, { pens, stage, layer, reload });
  const full = setUpFull(viewer, stage);
  const help = one("[data-help]", viewer);
  const showHelp = () => help.showModal();
  one("[data-help-open]", viewer).addEventListener("click", showHelp);

  const arrow = (x, y, step) => () => (stage.zoomed() || correction.busy() ? stage.panBy(x * PAN_PX, y * PAN_PX) : go(step));
  const keys = () => ({
    "+": stage.actions.in,
    "=": stage.actions.in,
    "-": stage.actions.out,
    0: stage.actions.fit,
    ArrowLeft: arrow(1, 0, -1),
    ArrowRight: arrow(-1, 0, 1),
    ArrowUp: arrow(0, 1, -1),
    ArrowDown: arrow(0, -1, 1),
    PageUp: () => go(-1),
    PageDown: () => go(1),
    "[": () => layer.fade(-10),
    "]": () => layer.fade(10),
    o: layer.original,
    l: () => layer.toggle("label"),
    m: () => layer.toggle("strokes"),
    u: () => layer.toggle("confidence"),
    s: swipe,
    i: tuning.reset,
    f: full,
    "?": showHelp,
    ...correction.keys(),
  });
  viewer.dataset.ready = ""; // before this, what a visitor or a test does to the controls is not heard
  return { keys, busy: correction.busy };
}

/** Full screen: the browser's where it has one, and in any case all of the page (an iPhone has none). */
function setUpFull(viewer, stage) {
  const [shell, button] = [viewer.closest("[data-result]"), one("[data-full]", viewer)];
  const enter = (on) => {
    shell.classList.toggle("full", on);
    document.documentElement.classList.toggle("no-scroll", on);
    button.setAttribute("aria-pressed", String(on));
    stage.layOut();
  };
  const toggle = async () => {
    const on = !shell.classList.contains("full");
    enter(on);
    try {
      if (on) await shell.requestFullscreen?.();
      else if (document.fullscreenElement) await document.exitFullscreen();
    } catch {
      // Refused by the browser: the page's own full view stands in.
    }
  };
  enter(shell.classList.contains("full"));
  button.addEventListener("click", toggle);
  window.onbeforeprint = () => {
    if (shell.classList.contains("full")) toggle(); // the sheet has a head and room to sign, which full screen covers
  };
  shell.onfullscreenchange = () => {
    if (!document.fullscreenElement) enter(false);
  };
  return toggle;
}
