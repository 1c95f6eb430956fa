// A study that has ended: its viewer, printing, and another try with the same originals.
import { send, sentence } from "./api.js";
import { all, one, show, tell } from "./dom.js";
import { setUpLayer } from "./layer.js";
import { transfer } from "./transfer.js";
import { setUpZoom } from "./zoom.js";

const viewer = one("[data-viewer]");
if (viewer) {
  setUpLayer(viewer);
  setUpZoom(viewer);
}

const printer = one("[data-print]");
if (printer) {
  show(printer, true);
  printer.addEventListener("click", () => window.print());
}

const again = one("[data-again]");
if (again) again.addEventListener("click", () => submitAgain(again));

async function submitAgain(button) {
  const problem = one("[data-again-error]");
  tell(problem, "");
  button.disabled = true;
  try {
    const nothing = { onProgress: () => {}, onSent: () => {} };
    const study = await transfer("/api/v1/studies", await originals(button.dataset), nothing).answer;
    location.assign(`/studies/${encodeURIComponent(study.id)}`);
  } catch (error) {
    button.disabled = false;
    tell(problem, sentence(error));
  }
}

async function originals({ organ, careful }) {
  const form = new FormData();
  form.append("organ", organ);
  form.append("careful", careful);
  for (const image of all("[data-original]")) {
    const response = await send(image.dataset.original);
    form.append("file", await response.blob(), image.dataset.name);
  }
  return form;
}
