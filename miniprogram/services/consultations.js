// Questions and answers. An answer streams where WeChat can stream; else, or when the stream breaks, the box is asked
// again whether it has kept one.
const { request, address, headers, refusal, unreachable, later, ApiError } = require('../utils/request');
const events = require('../utils/events');
const storage = require('../utils/storage');

const POLL_MS = 3000;
/** How long the box is asked whether it has an answer: a broken stream leaves none unless it was just ending. */
const LOOK_MS = { stream: 8000, whole: 90000 };
const PATIENCE_MS = 180000;
/** By how much a phone's clock may be fast. */
const CLOCK_MS = 60000;

/** @typedef {{ level: 'emergency' | 'urgent' | 'routine', rule: string | null, advice: string | null }} Triage */
/** @typedef {{ title: string, passage: string, guideline: string | null, reviewed: boolean }} Source */
/** @typedef {{ id: string, question: string, answer: string, triage: Triage, sources: Source[], source: string,
 *   createdAt: string, disclaimer: string, rating: number | null }} Consultation */
/** @typedef {{ triage?: (triage: Triage) => void, queued?: (data: { place: number }) => void,
 *   delta?: (data: { text: string }) => void, broken?: () => void }} Hearers `broken`: the connection is lost */

/**
 * Ask. Returns how to stop, and a promise of the whole consultation; `hearers` are told of what comes before.
 * @param {{ question: string, previousId?: string | null }} asked
 * @param {Hearers} hearers
 */
function ask(asked, hearers) {
  /** @type {{ task: WechatMiniprogram.RequestTask | null, stopped: boolean }} */
  const state = { task: null, stopped: false };
  const since = Date.now();
  const streams = wx.canIUse('request.object.enableChunked');
  const answered = (streams ? stream(asked, hearers, state) : whole(asked, state)).catch((error) => {
    if (state.stopped || error.status) throw error;
    if (hearers.broken) hearers.broken();
    return poll(asked.question, since, streams ? LOOK_MS.stream : LOOK_MS.whole, state, error);
  });
  const stop = () => {
    state.stopped = true;
    if (state.task) state.task.abort();
  };
  return { answered, stop };
}

/**
 * @param {any} data
 * @param {Hearers} hearers
 * @param {{ task: WechatMiniprogram.RequestTask | null }} state
 * @returns {Promise<Consultation>}
 */
function stream(data, hearers, state) {
  return new Promise((resolve, reject) => {
    const read = events.reader((event, told) => {
      if (event === 'done') resolve(told);
      else if (event === 'error') reject(new ApiError(told.error.code, told.error.message, 500));
      else {
        const hear = /** @type {Record<string, ((told: any) => void) | undefined>} */ (hearers)[event];
        if (hear) hear(told);
      }
    });
    state.task = wx.request({
      url: address('/api/v1/consultations'),
      method: 'POST',
      data,
      header: { ...headers(), Accept: 'text/event-stream' },
      enableChunked: true,
      timeout: PATIENCE_MS,
      success: (response) => {
        if (response.statusCode >= 300) reject(refusal(response.statusCode, response.data));
        else reject(unreachable('ended early')); // after `done` this changes nothing
      },
      fail: (reason) => reject(unreachable(reason.errMsg)),
    });
    state.task.onChunkReceived((piece) => read(piece.data));
  });
}

/**
 * @param {any} data
 * @param {{ task: WechatMiniprogram.RequestTask | null }} state
 * @returns {Promise<Consultation>}
 */
function whole(data, state) {
  return new Promise((resolve, reject) => {
    state.task = wx.request({
      url: address('/api/v1/consultations'),
      method: 'POST',
      data,
      header: headers(),
      timeout: PATIENCE_MS,
      success: (response) => {
        if (response.statusCode < 300) resolve(/** @type {any} */ (response.data));
        else reject(refusal(response.statusCode, response.data));
      },
      fail: (reason) => reject(unreachable(reason.errMsg)),
    });
  });
}

/**
 * Look whether the box has kept the answer to this question after all: the connection may have broken after that.
 * @param {string} question
 * @param {number} since when it was asked, by the phone's clock
 * @param {number} patienceMs
 * @param {{ stopped: boolean }} state
 * @param {any} error what to say when it has not
 * @returns {Promise<Consultation>}
 */
async function poll(question, since, patienceMs, state, error) {
  const earliest = new Date(since - CLOCK_MS).toISOString();
  const until = Date.now() + patienceMs;
  while (!state.stopped && Date.now() < until) {
    await later(POLL_MS);
    const page = await list().catch(() => ({ items: [] }));
    const found = page.items.find((/** @type {Consultation} */ each) =>
      each.question === question.trim() && each.createdAt > earliest);
    if (found) return found;
  }
  throw error;
}

/** @param {string} [before] */
const list = (before) => request(`/api/v1/consultations${before ? `?before=${encodeURIComponent(before)}` : ''}`);

/**
 * @param {string} id
 * @returns {Promise<Consultation>}
 */
const read = (id) => request(`/api/v1/consultations/${id}`);

/**
 * @param {string} id
 * @param {number | null} rating
 */
const rate = (id, rating) => request(`/api/v1/consultations/${id}/rating`, { method: 'PUT', data: { rating } });

/** The question that is being written, kept for when the program is closed. */
const draft = () => storage.read('draft', '');

/** @param {string} text */
const keepDraft = (text) => (text ? storage.write('draft', text) : storage.remove('draft'));

let prepared = '';

/**
 * Hand a question to the answer page: in memory, for an address would be written down elsewhere.
 * @param {string} question
 */
const prepare = (question) => { prepared = question; };

/** The question that was handed over, once. */
function takePrepared() {
  const question = prepared;
  prepared = '';
  return question;
}

module.exports = { ask, list, read, rate, draft, keepDraft, prepare, takePrepared };
