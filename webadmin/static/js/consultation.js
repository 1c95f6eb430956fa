// Ask and watch the answer come. States: idle → waiting → streaming → ready, stopped or failed.
import { send, sentence } from "./api.js";
import { one, show, tell } from "./dom.js";
import { eventsOf } from "./events.js";
import { rated, takeRatings } from "./rating.js";
import { showTriage, withoutAdvice } from "./triage.js";

const PHASES = { waiting: "正在思考…", streaming: "正在回答…", stopped: "已停止，这次回答没有保存" };

const card = one("[data-consultation]");
const part = (name) => one(`[data-${name}]`, card);
const disclaimer = part("disclaimer").textContent; // of an answer that is still to come
const talk = { state: "idle", question: "", answer: "", triage: null, abort: null, id: null, previous: null };

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
  part("disclaimer").textContent = disclaimer;
  showTriage(part("triage"), null);
  show(part("link"), false);
  show(part("sent"), false);
  show(part("sources"), false);
  show(part("rating"), false);
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
  queued({ place }) {
    part("phase").textContent = `前面还有 ${place} 位在提问，请稍候…`;
  },
  sent({ text, host }) {
    part("sent-host").textContent = host;
    part("sent-text").textContent = text;
    show(part("sent"), true);
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
    talk.id = consultation.id;
    showSources(consultation.sources, consultation.answer);
    show(part("ai"), consultation.source === "local" || consultation.source === "fallback");
    show(part("rating"), consultation.source !== "triage");
    rated(part("rating"), null);
    part("link").href = `/consultations/${encodeURIComponent(consultation.id)}`;
    show(part("link"), true);
    show(part("follow-line"), true);
    part("follow").checked = false;
    enter("ready");
    refreshPast();
  },
  error({ error }) {
    enter("failed", error.message);
  },
};

/** The list below holds the question that was just answered, unless something else is looked for in it. */
async function refreshPast() {
  if (new URLSearchParams(location.search).has("find") || new URLSearchParams(location.search).has("before")) return;
  try {
    const text = await (await send(location.pathname, { headers: { Accept: "text/html" } })).text();
    one(".past").replaceWith(one(".past", new DOMParser().parseFromString(text, "text/html")));
  } catch {
    // The list stays as it was; the next page has it.
  }
}

/** A passage that stands in the answer word for word is not shown a second time. */
function showSources(sources, answer) {
  const items = sources.map((source) => {
    const item = document.createElement("li");
    const title = document.createElement("strong");
    title.textContent = source.title;
    const text = document.createElement("p");
    text.className = "muted";
    text.textContent = source.passage;
    const origin = document.createElement("p");
    origin.className = "hint";
    const reviewed = source.reviewed ? "已经临床医生审核" : "尚未经临床医生审核";
    origin.textContent = `${source.guideline ? `参照：${source.guideline}` : "未查到可引用的公开指南"} · ${reviewed}`;
    item.append(title, ...(answer.includes(source.passage) ? [] : [text]), origin);
    return item;
  });
  part("source-list").replaceChildren(...items);
  show(part("sources"), items.length > 0);
}

/** The study whose findings go with the question, while its box is ticked. */
const studyId = () => card.querySelector("[data-study]:checked")?.dataset.study ?? null;

const wantsOutside = () => card.querySelector("[data-outside]")?.checked ?? false;

async function ask(question, previous = null) {
  if (busy() || !question.trim()) return;
  talk.previous = previous;
  begin(question.trim());
  try {
    const response = await send("/api/v1/consultations", {
      method: "POST",
      headers: { "Content-Type": "application/json", Accept: "text/event-stream" },
      body: JSON.stringify({ question: talk.question, previousId: talk.previous, studyId: studyId(), outside: wantsOutside() }),
      signal: talk.abort.signal,
    });
    for await (const { event, data } of eventsOf(response)) handlers[event]?.(data);
    if (busy()) enter("failed", "回答中断了，请重试。");
  } catch (error) {
    if (error.name === "AbortError") enter("stopped");
    else enter("failed", error.status === undefined ? "回答中断了，请重试。" : sentence(error));
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
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) part("form").requestSubmit();
  });
  part("form").addEventListener("submit", (event) => {
    event.preventDefault();
    ask(question.value, part("follow").checked ? talk.id : null);
  });
  takeRatings(part("rating"), () => talk.id, part("error"));
  part("stop").addEventListener("click", () => talk.abort?.abort());
  part("again").addEventListener("click", () => ask(talk.question, talk.previous));
  count();
}

setUp();
