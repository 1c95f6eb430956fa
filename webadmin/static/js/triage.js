// What the rules say before any model speaks.
import { one, show, tell } from "./dom.js";

const TITLES = { emergency: "紧急情况，请立即求助", urgent: "请尽快就医" };

/** The banner of an emergency or an urgent sign; hidden for a routine question. */
export function showTriage(banner, triage) {
  const level = triage?.level in TITLES ? triage.level : null;
  show(banner, level !== null);
  banner.className = `triage triage--${level ?? "routine"}`;
  one("[data-triage-title]", banner).textContent = TITLES[level] ?? "";
  tell(one("[data-triage-advice]", banner), triage?.advice ?? "");
}

/** The answer without the advice that the banner shows already, also while it is still coming in. */
export function withoutAdvice(answer, triage) {
  const advice = triage?.advice ?? "";
  if (answer.startsWith(advice)) return answer.slice(advice.length).trim();
  return advice.startsWith(answer) ? "" : answer;
}
