// A study that is queued or running: wait for its end, then show the page that the server makes of it.
import { call, sentence } from "./api.js";
import { one, pause, tell } from "./dom.js";

const WAIT_S = 20;
const RETRY_MS = 3000;

const box = one("[data-waiting]");
if (box) watch(box.dataset.waiting);

async function watch(id) {
  const problem = one("[data-waiting-error]", box);
  for (;;) {
    try {
      const study = await call(`/api/v1/studies/${encodeURIComponent(id)}?wait=${WAIT_S}`);
      tell(problem, "");
      if (study.status !== "queued" && study.status !== "running") {
        location.reload();
        return;
      }
      one("[data-waiting-title]", box).textContent = study.status === "running" ? "正在分割…" : "已收到，正在排队…";
    } catch (error) {
      tell(problem, sentence(error));
      if (error.status === 401 || error.status === 404) return;
      await pause(RETRY_MS);
    }
  }
}
