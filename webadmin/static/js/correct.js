// Correct the mask by hand. States: off → loading → drawing → saving → (the new version is shown), or drawing again.
import { send, sentence } from "./api.js";
import { Brush } from "./brush.js";
import { all, one, show, tell } from "./dom.js";
import { readMask, writeMask } from "./mask.js";

const WAIT_S = 50;
const UNSAVED = "修正还没有保存，确定放弃吗？";

/** Wires the correction of a viewer; `busy()` says whether something is unsaved, `keys()` are its shortcuts. */
export function setUpCorrection(viewer, { pens, stage, layer, reload }) {
  const bar = one("[data-correct]", viewer);
  const part = (name) => one(`[data-correct-${name}]`, viewer);
  const canvas = part("canvas");
  const work = { state: "off", brush: null, label: 1, radius: 8, last: null };
  const draws = () => work.state === "drawing";
  const size = one("[data-brush-size]", viewer);

  function enter(state, problem = "") {
    work.state = viewer.dataset.correcting = state;
    const on = state !== "off";
    pens.draw = draws() ? pen : null;
    show(bar, on);
    show(part("open"), !on);
    show(canvas, Boolean(work.brush));
    viewer.classList.toggle("viewer--correcting", on);
    layer.rest(Boolean(work.brush));
    part("phase").textContent = { loading: "正在读取标注…", saving: "正在保存并重新测量…" }[state] ?? "";
    tell(part("error"), problem);
    refresh();
    stage.layOut();
  }

  function refresh() {
    part("save").disabled = !draws() || !work.brush?.changed;
    part("undo").disabled = !draws() || !work.brush?.done.length;
    part("redo").disabled = !draws() || !work.brush?.undone.length;
  }

  async function open() {
    if (work.state !== "off") return;
    enter("loading");
    try {
      const { mask, width, height } = await readMask(await (await send(bar.dataset.mask)).blob());
      const view = one("[data-view]", viewer);
      [canvas.width, canvas.height] = [view.naturalWidth, view.naturalHeight];
      const colours = new Map(all("[data-brush-label]", viewer).map((box) => [Number(box.value), rgb(box.dataset.colour)]));
      work.brush = new Brush(mask, width, height, canvas, colours);
      enter("drawing");
      viewer.scrollIntoView({ block: "start" });
    } catch (error) {
      work.brush = null;
      enter("off");
      tell(part("error"), sentence(error));
    }
  }

  function close() {
    if (work.state !== "drawing" || (work.brush.changed && !window.confirm(UNSAVED))) return;
    work.brush = null;
    enter("off");
  }

  async function save() {
    if (!draws() || !work.brush.changed) return;
    enter("saving");
    const { mask, width, height } = work.brush;
    try {
      const made = await (await send(`${bar.dataset.place}/corrections?wait=${WAIT_S}`, {
        method: "POST",
        headers: { "Content-Type": "image/png" },
        body: await writeMask(mask, width, height),
      })).json();
      if (made.error) return enter("drawing", made.error.message);
      work.brush = null;
      work.state = "off";
      await reload();
    } catch (error) {
      enter("drawing", sentence(error));
    }
  }

  /** Where on the picture an event is, in the mask's pixels. */
  function at(event) {
    const box = canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) / box.width) * work.brush.width,
      y: ((event.clientY - box.top) / box.height) * work.brush.height,
    };
  }

  const pen = {
    start(event) {
      work.brush.begin();
      work.last = at(event);
      work.brush.line(work.last, work.last, work.radius, work.label);
    },
    move(event) {
      for (const each of event.getCoalescedEvents?.() ?? [event]) {
        const to = at(each);
        work.brush.line(work.last, to, work.radius, work.label);
        work.last = to;
      }
    },
    end() {
      work.brush?.end();
      refresh();
    },
  };

  function resize(wanted) {
    size.value = wanted;
    const { width } = one("[data-view]", viewer).getBoundingClientRect();
    work.radius = (Number(size.value) / 2) * (Number(one("[data-view]", viewer).getAttribute("width")) / 1000);
    one("[data-brush-text]", viewer).textContent = size.value;
    const shown = (Number(size.value) / 1000) * width;
    for (const name of ["width", "height"]) part("ring").style[name] = `${Math.max(3, shown)}px`;
  }

  const step = (name) => () => {
    if (!draws()) return;
    work.brush[name]();
    refresh();
  };
  const choose = (value) => {
    const box = one(`[data-brush-label][value="${value}"]`, viewer);
    if (!box) return;
    box.checked = true;
    work.label = Number(value);
  };

  part("open").addEventListener("click", open);
  part("cancel").addEventListener("click", close);
  part("save").addEventListener("click", save);
  part("undo").addEventListener("click", step("undo"));
  part("redo").addEventListener("click", step("redo"));
  for (const box of all("[data-brush-label]", viewer)) box.addEventListener("change", () => choose(box.value));
  size.addEventListener("input", () => resize(size.value));
  viewer.addEventListener("placed", () => resize(size.value));
  followPointer(viewer, part("ring"), draws);
  window.onbeforeunload = (event) => {
    if (work.brush?.changed) event.preventDefault();
  };
  work.label = Number(one("[data-brush-label]:checked", viewer).value);
  resize(size.value);

  const labels = all("[data-brush-label]", viewer).map((box) => box.value).filter((value) => value !== "0");
  const drawing = () => ({
    "ctrl+z": step("undo"),
    "ctrl+y": step("redo"),
    "ctrl+shift+z": step("redo"),
    "ctrl+s": save,
    b: () => choose(labels[0]),
    x: () => choose(0),
    ",": () => resize(Number(size.value) - 4),
    ".": () => resize(Number(size.value) + 4),
    Escape: close,
    ...Object.fromEntries(labels.map((value, index) => [String(index + 1), () => choose(value)])),
  });
  return { busy: () => Boolean(work.brush?.changed), keys: () => (draws() ? drawing() : { e: open }) };
}

/** The ring that shows what the brush will cover; a finger covers it itself. */
function followPointer(viewer, ring, draws) {
  const stage = one("[data-stage]", viewer);
  stage.addEventListener("pointermove", (event) => {
    show(ring, draws() && event.pointerType !== "touch");
    const box = stage.getBoundingClientRect();
    ring.style.transform = `translate(${event.clientX - box.left}px, ${event.clientY - box.top}px) translate(-50%, -50%)`;
  });
  stage.addEventListener("pointerleave", () => show(ring, false));
}

function rgb(colour) {
  if (!colour) return null;
  const value = Number.parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
