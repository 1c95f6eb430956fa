// The health page: every few seconds the report anew, in the places that the server made.
import { call, sentence } from "./api.js";
import { showArrival } from "./arrival.js";
import { one, pause, tell } from "./dom.js";

const EVERY_MS = 4000;
const STATUSES = { ok: "正常", warning: "注意", fault: "故障" };
const VERDICTS = { ok: "一切正常", warning: "可以使用，有需要注意的地方", fault: "有故障，需要处理" };

watch();

async function watch() {
  const refreshed = one("[data-refreshed]");
  for (;;) {
    await pause(EVERY_MS);
    if (document.hidden) continue;
    try {
      const report = await call("/api/v1/health");
      report.checks.forEach(showCheck);
      showVerdict(report.checks);
      showArrival(report.llm);
      refreshed.textContent = `每隔几秒自动刷新，上次 ${new Date().toLocaleTimeString("zh-CN", { hour12: false })}`;
    } catch (error) {
      refreshed.textContent = sentence(error);
      if (error.status === 401) return;
    }
  }
}

function showCheck(check) {
  const item = one(`[data-check="${CSS.escape(check.name)}"]`);
  if (!item) return;
  item.dataset.status = check.status;
  one("[data-status-text]", item).textContent = STATUSES[check.status] ?? check.status;
  one("[data-message]", item).textContent = check.messageZh;
  tell(one("[data-mend]", item), check.mendZh);
}

function showVerdict(checks) {
  const worst = ["fault", "warning"].find((status) => checks.some((check) => check.status === status)) ?? "ok";
  one("[data-verdict]").dataset.status = worst;
  one("[data-verdict-text]").textContent = VERDICTS[worst];
}
