// The stage: zoom by wheel, pinch, double click and buttons; pan by drag and arrow keys. At 1 the whole picture fits.
import { all, one } from "./dom.js";

const STEP = 1.5;
const MOST = 24;
const RIGHT = 2;

/**
 * Wires the stage of a viewer. `pens.draw`, while it is set, gets what a mouse, a pen or one finger does; `pens.tune`
 * gets a drag with the right button. Both have start(event), move(event) and end().
 */
export function setUpStage(viewer, pens) {
  const [stage, picture, image] = [one("[data-stage]", viewer), one("[data-picture]", viewer), one("[data-view]", viewer)];
  const aspect = Number(image.getAttribute("width")) / Number(image.getAttribute("height"));
  const at = { zoom: 1, x: 0, y: 0 };
  let fit = { width: 0, height: 0 };

  function layOut() {
    const room = stage.parentElement;
    const highest = viewer.closest(".full") ? fullHeight(viewer) : window.innerHeight * (window.innerWidth < 576 ? 0.6 : 0.68);
    const width = Math.max(1, Math.min(room.clientWidth, highest * aspect));
    fit = { width, height: width / aspect };
    stage.style.height = `${fit.height}px`;
    // GB 45438-2025: the mark is at least 5 % of the picture's shorter side.
    one(".ai-mark", viewer).style.fontSize = `${Math.max(14, Math.min(fit.width, fit.height) * 0.05)}px`;
    place();
  }

  function place() {
    const [width, height] = [fit.width * at.zoom, fit.height * at.zoom];
    at.x = held(at.x, stage.clientWidth, width);
    at.y = held(at.y, stage.clientHeight, height);
    picture.style.width = `${width}px`;
    picture.style.height = `${height}px`;
    picture.style.transform = `translate(${at.x}px, ${at.y}px)`;
    stage.classList.toggle("stage--zoomed", at.zoom > 1);
    stage.classList.toggle("stage--pixels", width > 3 * image.naturalWidth);
    one('[data-zoom="out"]', viewer).disabled = at.zoom <= 1;
    one('[data-zoom="in"]', viewer).disabled = at.zoom >= MOST;
    one("[data-zoom-text]", viewer).textContent = `${Math.round(at.zoom * 100)} %`;
    viewer.dispatchEvent(new CustomEvent("placed"));
  }

  /** Zoom so that the point under (x, y) of the screen stays where it is. */
  function zoomTo(wanted, x, y) {
    const box = stage.getBoundingClientRect();
    const zoom = Math.min(MOST, Math.max(1, wanted));
    const [right, down] = [x - box.left, y - box.top];
    at.x = right - ((right - at.x) * zoom) / at.zoom;
    at.y = down - ((down - at.y) * zoom) / at.zoom;
    at.zoom = zoom;
    place();
  }

  function zoomBy(factor) {
    const box = stage.getBoundingClientRect();
    zoomTo(at.zoom * factor, box.left + box.width / 2, box.top + box.height / 2);
  }

  function panBy(x, y) {
    at.x += x;
    at.y += y;
    place();
  }

  const actions = { in: () => zoomBy(STEP), out: () => zoomBy(1 / STEP), fit: () => zoomBy(1 / at.zoom) };
  for (const button of all("[data-zoom]", viewer)) button.addEventListener("click", actions[button.dataset.zoom]);
  stage.addEventListener("dblclick", (event) => {
    if (!pens.draw && !event.target.closest("[data-swipe]")) zoomTo(at.zoom > 1 ? 1 : 3, event.clientX, event.clientY);
  });
  stage.addEventListener("wheel", (event) => {
    if (at.zoom <= 1 && event.deltaY > 0) return; // whoever scrolls past a whole picture goes on scrolling
    event.preventDefault();
    zoomTo(at.zoom * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), event.clientX, event.clientY);
  }, { passive: false });
  stage.addEventListener("contextmenu", (event) => event.preventDefault());
  pointers(stage, pens, { at, zoomTo, panBy });
  picture.classList.add("picture--sized");
  new ResizeObserver(layOut).observe(stage.parentElement);
  if (image.complete) layOut();
  image.addEventListener("load", layOut);

  return { actions, panBy, layOut, zoomed: () => at.zoom > 1, scale: () => (fit.width * at.zoom) / image.naturalWidth };
}

const held = (offset, room, size) => (size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, offset)));

/** On the full screen the picture gets what the controls below it leave. */
function fullHeight(viewer) {
  const controls = all(".controls", viewer).reduce((sum, each) => sum + each.offsetHeight, 0);
  return Math.max(160, window.innerHeight - controls - (one("[data-slices]", viewer.parentElement)?.offsetHeight ?? 0));
}

/** One pointer pans or draws, two pinch, the right button tunes. */
function pointers(stage, pens, { at, zoomTo, panBy }) {
  const down = new Map();
  let pen = null;

  const middle = () => {
    const [a, b] = [...down.values()];
    return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2, apart: Math.hypot(a.x - b.x, a.y - b.y) || 1 };
  };
  const drop = () => {
    pen?.end();
    pen = null;
  };

  stage.addEventListener("pointerdown", (event) => {
    if (event.target.closest("[data-swipe]")) return;
    stage.focus({ preventScroll: true });
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    stage.setPointerCapture(event.pointerId);
    drop();
    if (down.size === 1) pen = event.button === RIGHT ? pens.tune : event.button === 0 ? pens.draw : null;
    pen?.start(event);
    stage.classList.toggle("stage--grabbed", !pen && at.zoom > 1);
  });
  stage.addEventListener("pointermove", (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    if (down.size === 2) {
      const from = middle();
      down.set(event.pointerId, { x: event.clientX, y: event.clientY });
      const to = middle();
      panBy(to.x - from.x, to.y - from.y);
      zoomTo((at.zoom * to.apart) / from.apart, to.x, to.y);
      return;
    }
    down.set(event.pointerId, { x: event.clientX, y: event.clientY });
    if (pen) pen.move(event);
    else panBy(event.clientX - before.x, event.clientY - before.y);
  });
  for (const type of ["pointerup", "pointercancel"]) {
    stage.addEventListener(type, (event) => {
      down.delete(event.pointerId);
      drop();
      stage.classList.remove("stage--grabbed");
    });
  }
}
