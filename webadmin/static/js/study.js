// A study that has ended: its viewer and its images, printing, and another try with the same originals.
import { send, sentence } from "./api.js";
import { all, one, show, tell } from "./dom.js";
import { setUpKeys } from "./keys.js";
import { setUpSlices } from "./slices.js";
import { transfer } from "./transfer.js";
import { setUpViewer } from "./viewer.js";

const result = one("[data-result]");
window.addEventListener("beforeprint", () => {
  one("[data-printed]").textContent = new Date().toLocaleString("zh-CN", { dateStyle: "medium", timeStyle: "short" });
});
const current = { keys: () => ({}), busy: () => false };

function setUp(slices) {
  const viewer = one("[data-viewer]", result);
  Object.assign(current, { keys: () => ({ ArrowLeft: () => slices.go(-1), ArrowRight: () => slices.go(1) }), busy: () => false });
  if (viewer) Object.assign(current, setUpViewer(viewer, { go: slices.go, reload: () => slices.reload(viewer.dataset.number) }));
  const printer = one("[data-print]");
  if (printer) {
    show(printer, true);
    printer.addEventListener("click", () => window.print());
  }
  const back = one("[data-take-back]");
  if (back) back.addEventListener("click", () => takeBack(back, slices));
  const again = one("[data-again]");
  if (again) again.addEventListener("click", () => submitAgain(again));
}

async function takeBack(button, slices) {
  if (!window.confirm("撤回这次修正？撤回后恢复显示之前的版本，记录仍会保留。")) return;
  try {
    await send(button.dataset.takeBack, { method: "DELETE" });
    await slices.reload(one("[data-viewer]", result).dataset.number);
  } catch (error) {
    tell(one("[data-correct-error]", result), sentence(error));
  }
}

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

if (result) {
  const slices = setUpSlices(result, { shown: () => setUp(slices), busy: () => current.busy() });
  setUp(slices);
  setUpKeys(() => current.keys());
} else if (one("[data-again]")) {
  one("[data-again]").addEventListener("click", (event) => submitAgain(event.currentTarget));
}
