// What lies over the picture: how strong the coloured layer is, which labels and which marks are seen.
import { all, one, show } from "./dom.js";

const REMEMBERED = "xiangyi.opacity";

/** Wires the slider, the legend and the button that shows the original while it is held. */
export function setUpLayer(viewer) {
  const layers = all(".layer", viewer);
  const slider = one("[data-opacity]", viewer);
  const boxes = all("[data-label]", viewer);
  const hides = one("[data-original-hold]", viewer);
  let [held, resting] = [false, false];

  const paint = () => {
    for (const layer of layers) layer.style.opacity = held ? "0" : String(slider.value / 100);
    one("[data-opacity-text]", viewer).textContent = `${slider.value} %`;
  };
  const hold = (on) => {
    held = on;
    hides.setAttribute("aria-pressed", String(on));
    viewer.classList.toggle("viewer--original", on);
    paint();
  };
  const fade = (by) => {
    slider.value = Number(slider.value) + by;
    localStorage.setItem(REMEMBERED, slider.value);
    paint();
  };
  const marks = () => {
    for (const box of all("[data-toggle]", viewer))
      show(one(`[data-mark="${box.dataset.toggle}"]`, viewer), box.checked && !resting);
  };
  const labels = () => filter(viewer, resting ? [] : boxes);
  const toggle = (kind) => {
    const wanted = kind === "label" ? boxes : all(`[data-toggle="${kind}"]`, viewer);
    const on = wanted.some((box) => !box.checked);
    for (const box of wanted) box.checked = on;
    labels();
    marks();
  };
  /** While a mask is being drawn, what was found before is out of the way. */
  const rest = (on) => {
    resting = on;
    labels();
    marks();
  };

  slider.value = localStorage.getItem(REMEMBERED) ?? slider.value;
  slider.addEventListener("input", () => fade(0));
  for (const box of boxes) box.addEventListener("change", labels);
  for (const box of all("[data-toggle]", viewer)) box.addEventListener("change", marks);
  holdable(hides, hold);
  marks();
  paint();
  return { fade, toggle, rest, original: () => hold(!held) };
}

function holdable(button, hold) {
  button.addEventListener("pointerdown", (event) => {
    button.setPointerCapture(event.pointerId);
    hold(true);
  });
  for (const type of ["pointerup", "pointercancel", "blur"]) button.addEventListener(type, () => hold(false));
  button.addEventListener("contextmenu", (event) => event.preventDefault());
  button.addEventListener("keydown", (event) => {
    if (event.key !== " " && event.key !== "Enter") return;
    event.preventDefault();
    hold(true);
  });
  button.addEventListener("keyup", () => hold(false));
}

/** Draw the labels whose boxes are ticked; with all of them the picture itself is best. */
function filter(viewer, boxes) {
  const [image, canvas] = [one("[data-layer]", viewer), one("[data-canvas]", viewer)];
  const shown = boxes.filter((box) => box.checked);
  show(image, shown.length > 0 && shown.length === boxes.length);
  show(canvas, shown.length > 0 && shown.length < boxes.length);
  if (canvas.hidden) return;
  canvas.width = image.naturalWidth;
  canvas.height = image.naturalHeight;
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  keepOnly(pixels.data, boxes);
  context.putImageData(pixels, 0, 0);
}

/** Each pixel belongs to the label whose colour is nearest: faint ones are rounded by the browser. */
function keepOnly(data, boxes) {
  const colours = boxes.map((box) => rgb(box.dataset.colour));
  for (let at = 0; at < data.length; at += 4) {
    if (data[at + 3] === 0) continue;
    const distances = colours.map(([r, g, b]) => (data[at] - r) ** 2 + (data[at + 1] - g) ** 2 + (data[at + 2] - b) ** 2);
    if (!boxes[distances.indexOf(Math.min(...distances))].checked) data[at + 3] = 0;
  }
}

function rgb(colour) {
  const value = Number.parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
