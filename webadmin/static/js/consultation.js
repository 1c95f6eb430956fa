// Ask and watch the answer come. States: idle → waiting → streaming → ready, stopped or failed.
import { send, sentence } from "./api.js";
import { follow } from "./arrival.js";
import { one, show, tell } from "./dom.js";
import { eventsOf } from "./events.js";
import { showTriage, withoutAdvice } from "./triage.js";

const PHASES = { waiting: "正在思考…", streaming: "正在回答…", stopped: "已停止，这次回答没有保存" };

const card = one("[data-consultation]");
const part = (name) => one(`[data-${name}]`, card);
const talk = { state: "idle", question: "", answer: "", triage: null, abort: null };

const busy = () => talk.state === "waiting" || talk.state === "streaming";

function enter(state, error = "") {
  talk.state = card.dataset.state = state;
  part("answer").setAttribute("aria-busy", String(busy()));
  part("phase").textContent = PHASES[state] ?? "";
  part("submit").disabled = busy();
  show(part("reply"), state !== "idle");
  show(part("stop"), busy());
  show(part("again"), !busy());
  part("again").textContent = state === "failed" ? "重试" : "再问一次";
  show(part("answer-box"), state !== "failed" ? !answeredByRule() : Boolean(talk.answer));
  show(part("disclaimer"), state !== "failed" || Boolean(talk.answer));
  tell(part("error"), error);
}

/** An emergency's answer is the advice in the banner: there is nothing for the model to add. */
const answeredByRule = () => talk.triage?.level === "emergency";

function begin(question) {
  Object.assign(talk, { question, answer: "", triage: null, abort: new AbortController() });
  part("asked").textContent = question;
  part("answer").textContent = "";
  showTriage(part("triage"), null);
  show(part("link"), false);
  enter("waiting");
  part("reply").scrollIntoView({ block: "nearest", behavior: "smooth" });
}

const handlers = {
  triage(triage) {
    talk.triage = triage;
    showTriage(part("triage"), triage);
    enter("waiting");
    if (!part("triage").hidden) part("triage").scrollIntoView({ block: "nearest", behavior: "smooth" });
  },
  delta({ text }) {
    talk.answer += text;
    const shown = withoutAdvice(talk.answer, talk.triage);
    part("answer").textContent = shown;
    if (shown && talk.state !== "streaming") enter("streaming");
  },
  done(consultation) {
    part("answer").textContent = withoutAdvice(consultation.answer, consultation.triage);
    part("disclaimer").textContent = consultation.disclaimer;
    part("link").href = `/consultations/${encodeURIComponent(consultation.id)}`;
    show(part("link"), true);
    enter("ready");
  },
  error({ error }) {
    enter("failed", error.message);
  },
};

async function ask(question) {
  if (busy() || !question.trim()) return;
  begin(question.trim());
  try {
    const response = await send("/api/v1/consultations", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify({ question: talk.question }),
      signal: talk.abort.signal,
    });
    for await (const { event, data } of eventsOf(response)) handlers[event]?.(data);
    if (busy()) enter("failed", "回答中断了，请重试。");
  } catch (error) {
    if (error.name === "AbortError") enter("stopped");
    else enter("failed", error.status === undefined ? "回答中断了，请重试。" : sentence(error));
    if (error.status === 503) follow(true);
  }
}

function setUp() {
  const question = part("question");
  const count = () => {
    part("count").textContent = String([...question.value].length);
  };
  question.value = new URLSearchParams(location.search).get("q") ?? question.value;
  question.addEventListener("input", count);
  question.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ask(question.value);
  });
  part("form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask(question.value);
  });
  part("stop").addEventListener("click", () => talk.abort?.abort());
  part("again").addEventListener("click", () => ask(talk.question));
  count();
}

setUp();
