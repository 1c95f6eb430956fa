// Where a question is written: chips for common symptoms, and free text. What is written stays as a draft.
const session = require('../../utils/session');
const page = require('../../utils/page');
const consultations = require('../../services/consultations');

const SYMPTOMS = ['发热', '咳嗽', '头痛', '头晕', '胸闷', '腹痛', '腹泻', '恶心', '皮疹', '腰痛', '失眠', '乏力', '血压高', '血糖高'];
const SINCE = ['今天开始', '两三天了', '一周以上', '一个月以上'];
const MOST = 1000;

Page({
  data: {
    look: '',
    problem: '',
    most: MOST,
    text: '',
    symptoms: SYMPTOMS.map((name) => ({ name, on: false })),
    since: SINCE.map((name) => ({ name, on: false })),
  },

  onLoad() {
    this.setData({ text: consultations.draft() });
  },

  onShow() {
    page.shown(this);
    // Another page may have prepared a question, and signing out has wiped the draft.
    const draft = consultations.draft();
    if (draft !== this.data.text) this.setData({ text: draft });
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  toggle(event) {
    const at = event.currentTarget.dataset.at;
    this.setData({ [`symptoms[${at}].on`]: !this.data.symptoms[at].on, problem: '' });
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  choose(event) {
    const at = Number(event.currentTarget.dataset.at);
    this.setData({ since: this.data.since.map((each, place) => ({ ...each, on: place === at && !each.on })) });
  },

  /** @param {WechatMiniprogram.Input} event */
  type(event) {
    this.setData({ text: event.detail.value, problem: '' });
    consultations.keepDraft(event.detail.value);
  },

  /** The chips and the text as one question. */
  question() {
    const chosen = this.data.symptoms.filter((each) => each.on).map((each) => each.name).join('、');
    const since = this.data.since.filter((each) => each.on).map((each) => each.name).join('');
    const chips = [chosen, since].filter(Boolean).join('，');
    return [chips, this.data.text.trim()].filter(Boolean).join('。');
  },

  ask() {
    const question = this.question();
    if (!question) {
      this.setData({ problem: '请点选症状，或写下您的问题。' });
      return;
    }
    if (question.length > MOST) {
      this.setData({ problem: `问题请不超过 ${MOST} 个字。` });
      return;
    }
    if (!session.token()) {
      session.logIn();
      return;
    }
    consultations.prepare(question);
    wx.navigateTo({ url: '/pages/answer/answer' });
  },
});
