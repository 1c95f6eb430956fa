// Brightness and contrast of what is seen; the stored picture stays as it is.
import { all, one } from "./dom.js";

const PLAIN = { brightness: 100, contrast: 100 };

/** Wires the two sliders. Returns `reset`, and the pen of a drag with the right button. */
export function setUpTuning(viewer) {
  const image = one("[data-view]", viewer);
  const sliders = Object.fromEntries(all("[data-tune]", viewer).map((slider) => [slider.dataset.tune, slider]));

  function paint() {
    const { brightness, contrast } = sliders;
    image.style.filter = `brightness(${brightness.value}%) contrast(${contrast.value}%)`;
    for (const slider of Object.values(sliders)) one("output", slider.parentElement).textContent = `${slider.value} %`;
  }

  function set(name, value) {
    sliders[name].value = value; // the slider itself keeps within its bounds
    paint();
  }

  function reset() {
    for (const [name, value] of Object.entries(PLAIN)) set(name, value);
  }

  for (const slider of Object.values(sliders)) slider.addEventListener("input", paint);
  one("[data-tune-reset]", viewer).addEventListener("click", reset);
  let last = null;
  const pen = {
    start: (event) => {
      last = { x: event.clientX, y: event.clientY };
    },
    move: (event) => {
      set("contrast", Number(sliders.contrast.value) + (event.clientX - last.x) / 2);
      set("brightness", Number(sliders.brightness.value) - (event.clientY - last.y) / 2);
      last = { x: event.clientX, y: event.clientY };
    },
    end: () => {},
  };
  return { reset, pen };
}
