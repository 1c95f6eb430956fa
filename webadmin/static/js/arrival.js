// How far the language model is, wherever a page tells of it.
import { call } from "./api.js";
import { all, one, pause, show, tell } from "./dom.js";

const EVERY_MS = 4000;
const STATES = {
  ready: "已就绪，可以问诊",
  arriving: "正在准备",
  loading: "正在载入",
  failed: "未能启动",
  off: "未启用",
  down: "没有响应",
};

/** Bring every place that shows the arrival up to date. `llm` is what the API's health report says. */
export function showArrival(llm) {
  const percent = llm.totalBytes ? Math.min(100, Math.floor((100 * llm.doneBytes) / llm.totalBytes)) : null;
  for (const box of all("[data-arrival]")) {
    box.dataset.state = llm.state;
    one("[data-arrival-state]", box).textContent = STATES[llm.state] ?? llm.state;
    one("[data-arrival-percent]", box).textContent = percent !== null && llm.state !== "ready" ? ` ${percent} %` : "";
    tell(one("[data-arrival-message]", box), llm.state === "ready" ? "" : llm.messageZh);
    const bar = one("[data-arrival-bar]", box);
    show(bar, llm.state === "arriving" || llm.state === "loading");
    if (percent === null) bar.removeAttribute("value");
    else bar.value = percent;
  }
}

/** Look again while the model is not ready; a page in the background rests. */
async function follow() {
  while (all('[data-arrival]:not([data-state="ready"])').length) {
    await pause(EVERY_MS);
    if (document.hidden) continue;
    try {
      showArrival((await call("/api/v1/health")).llm);
    } catch (error) {
      if (error.status === 401) break;
    }
  }
}

if (!one("[data-checks]")) follow(); // the health page asks for itself
