// Zoom and pan: buttons, double click, Ctrl + wheel, and dragging. At 1 the whole picture fits the stage.
import { all, one } from "./dom.js";

const STEP = 1.5;
const MOST = 12;

/** Wires the zoom of a viewer. */
export function setUpZoom(viewer) {
  const [stage, picture, image] = [one("[data-stage]", viewer), one("[data-picture]", viewer), one("[data-view]", viewer)];
  const aspect = Number(image.getAttribute("width")) / Number(image.getAttribute("height"));
  let zoom = 1;

  function layOut() {
    const highest = window.innerHeight * (window.innerWidth < 576 ? 0.68 : 0.76);
    const width = Math.min(viewer.querySelector(".viewer__picture").clientWidth, highest * aspect) * zoom;
    picture.style.width = `${width}px`;
    picture.style.height = `${width / aspect}px`;
    // GB 45438-2025: the mark is at least 5 % of the picture's shorter side.
    one(".ai-mark", viewer).style.fontSize = `${Math.max(14, (Math.min(width, width / aspect) / zoom) * 0.05)}px`;
    stage.classList.toggle("stage--zoomed", zoom > 1);
    one('[data-zoom="out"]', viewer).disabled = zoom <= 1;
    one('[data-zoom="in"]', viewer).disabled = zoom >= MOST;
  }

  /** Zoom so that the point under (x, y) of the screen stays where it is. */
  function zoomTo(wanted, x, y) {
    const before = picture.getBoundingClientRect();
    const [right, down] = [(x - before.left) / before.width, (y - before.top) / before.height];
    zoom = Math.min(MOST, Math.max(1, wanted));
    layOut();
    const after = picture.getBoundingClientRect();
    stage.scrollLeft += after.left + right * after.width - x;
    stage.scrollTop += after.top + down * after.height - y;
  }

  function zoomCentre(wanted) {
    const box = stage.getBoundingClientRect();
    zoomTo(wanted, box.left + box.width / 2, box.top + box.height / 2);
  }

  const actions = { in: () => zoomCentre(zoom * STEP), out: () => zoomCentre(zoom / STEP), fit: () => zoomCentre(1) };
  for (const button of all("[data-zoom]", viewer)) button.addEventListener("click", actions[button.dataset.zoom]);
  stage.addEventListener("dblclick", (event) => zoomTo(zoom > 1 ? 1 : 3, event.clientX, event.clientY));
  stage.addEventListener("wheel", (event) => {
    if (!event.ctrlKey) return;
    event.preventDefault();
    zoomTo(zoom * (event.deltaY < 0 ? STEP : 1 / STEP), event.clientX, event.clientY);
  }, { passive: false });
  draggable(stage);
  picture.classList.add("picture--sized");
  window.addEventListener("resize", layOut);
  layOut();
}

/** A mouse drags the picture; a finger scrolls it by itself. */
function draggable(stage) {
  let from = null;
  stage.addEventListener("pointerdown", (event) => {
    if (event.pointerType !== "mouse" || event.button !== 0) return;
    from = { x: event.clientX + stage.scrollLeft, y: event.clientY + stage.scrollTop };
    stage.classList.add("stage--grabbed");
  });
  window.addEventListener("pointermove", (event) => {
    if (!from) return;
    stage.scrollLeft = from.x - event.clientX;
    stage.scrollTop = from.y - event.clientY;
  });
  window.addEventListener("pointerup", () => {
    from = null;
    stage.classList.remove("stage--grabbed");
  });
}
