// An answer: it comes piece by piece, or is read again later.
// Phases: asking → streaming → answered; failed with a retry; stopped. `state` is that of reading an old one.
const page = require('../../utils/page');
const { moment } = require('../../utils/time');
const { EXPIRED } = require('../../utils/request');
const consultations = require('../../services/consultations');

Page({
  data: {
    look: '',
    /** @type {import('../../utils/page').State} */
    state: 'loading',
    /** @type {'asking' | 'streaming' | 'answered' | 'failed' | 'stopped'} */
    phase: 'asking',
    problem: '',
    waiting: '',
    id: '',
    question: '',
    answer: '',
    level: 'routine',
    advice: '',
    /** @type {{ title: string, passage: string, origin: string, open: boolean }[]} */
    sources: [],
    disclaimer: '',
    byModel: false,
    /** @type {number | null} */
    rating: null,
    askedAt: '',
    follow: '',
    previousId: '',
  },

  /** @param {{ id?: string }} query */
  onLoad(query) {
    const prepared = consultations.takePrepared();
    if (query.id) this.setData({ id: query.id });
    if (query.id) this.read();
    else if (prepared) this.ask(prepared, '');
    else this.setData({ state: 'failed', problem: '没有要回答的问题，请返回重新提问。' });
  },

  onShow() {
    if (!page.shown(this)) return;
    if (this.data.id) this.read();
    else this.again();
  },

  onUnload() {
    if (this.stopAsking) this.stopAsking();
  },

  /** @type {(() => void) | null} */
  stopAsking: null,
  heardSoFar: '',

  read() {
    return page.load(this, async () => this.shown(await consultations.read(this.data.id)));
  },

  /**
   * @param {string} question
   * @param {string} previousId
   */
  async ask(question, previousId) {
    this.setData({
      state: 'ready', phase: 'asking', problem: '', waiting: '', id: '', question, previousId, answer: '',
      level: 'routine', advice: '', sources: [], rating: null, follow: '', askedAt: '', byModel: false,
    });
    this.heardSoFar = '';
    const asked = consultations.ask({ question, previousId: previousId || null }, {
      triage: (triage) => this.setData({ level: triage.level, advice: triage.advice || '' }),
      queued: ({ place }) => this.setData({ waiting: `前面还有 ${place} 位在提问，请稍候…` }),
      delta: ({ text }) => this.heard(text),
      broken: () => this.setData({ phase: 'asking', waiting: '网络中断，正在看医院是否已经答好…' }),
    });
    this.stopAsking = asked.stop;
    try {
      const consultation = await asked.answered;
      consultations.keepDraft('');
      this.setData(this.shown(consultation));
    } catch (/** @type {any} */ error) {
      this.broken(error);
    } finally {
      this.stopAsking = null;
    }
  },

  /** @param {string} text */
  heard(text) {
    this.heardSoFar += text;
    this.setData({ answer: withoutAdvice(this.heardSoFar, this.data.advice), phase: 'streaming', waiting: '' });
  },

  /** @param {any} error */
  broken(error) {
    if (error.code === EXPIRED) this.setData(page.failed(error));
    else if (error.code === 'aborted') this.setData({ phase: 'stopped' });
    else this.setData({ phase: 'failed', problem: page.sentence(error) });
  },

  /**
   * A whole consultation as this page's data.
   * @param {import('../../services/consultations').Consultation} it
   */
  shown(it) {
    return {
      state: /** @type {'ready'} */ ('ready'),
      phase: /** @type {'answered'} */ ('answered'),
      id: it.id,
      question: it.question,
      answer: withoutAdvice(it.answer, it.triage.advice || ''),
      level: it.triage.level,
      advice: it.triage.advice || '',
      sources: it.sources.map((each) => ({
        title: each.title,
        passage: each.passage,
        origin: origin(each),
        open: false,
      })),
      disclaimer: it.disclaimer,
      byModel: ['local', 'fallback'].includes(it.source),
      rating: it.rating,
      askedAt: moment(it.createdAt),
    };
  },

  stop() {
    if (this.stopAsking) this.stopAsking();
  },

  again() {
    this.ask(this.data.question, this.data.previousId);
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  toggle(event) {
    const at = event.currentTarget.dataset.at;
    this.setData({ [`sources[${at}].open`]: !this.data.sources[at].open });
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  async rate(event) {
    const chosen = Number(event.currentTarget.dataset.rating);
    const rating = chosen === this.data.rating ? null : chosen;
    try {
      await consultations.rate(this.data.id, rating);
      this.setData({ rating });
    } catch (error) {
      wx.showToast({ title: page.sentence(error), icon: 'none' });
    }
  },

  /** @param {WechatMiniprogram.Input} event */
  type(event) {
    this.setData({ follow: event.detail.value });
  },

  followUp() {
    const question = this.data.follow.trim();
    if (question) this.ask(question, this.data.id);
  },
});

/**
 * The answer without the advice at its head, which stands in the banner already.
 * @param {string} answer
 * @param {string} advice
 */
function withoutAdvice(answer, advice) {
  if (advice.startsWith(answer)) return '';
  return advice && answer.startsWith(advice) ? answer.slice(advice.length).trim() : answer;
}

/**
 * Where a passage comes from, and whether a clinician has read it.
 * @param {import('../../services/consultations').Source} source
 */
function origin(source) {
  const guideline = source.guideline ? `参照：${source.guideline}` : '未查到可引用的公开指南';
  return `${guideline} · ${source.reviewed ? '已经临床医生审核' : '尚未经临床医生审核'}`;
}
