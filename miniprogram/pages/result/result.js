// A study: waited for, then shown. Sharing is off: no onShareAppMessage here nor anywhere.
const page = require('../../utils/page');
const organs = require('../../utils/organs');
const album = require('../../utils/album');
const { moment } = require('../../utils/time');
const studies = require('../../services/studies');

const OPACITY = 70;

Page({
  data: {
    look: '',
    /** @type {import('../../utils/page').State} */
    state: 'loading',
    problem: '',
    waiting: '',
    busy: false,
    id: '',
    name: '',
    sample: false,
    createdAt: '',
    /** @type {'succeeded' | 'refused' | 'failed'} */
    status: 'succeeded',
    /** @type {import('../../utils/organs').Label[]} */
    labels: [],
    /** @type {{ text: string }[]} */
    findings: [],
    confidence: '',
    unsure: false,
    reason: '',
    /** @type {string[]} */
    doubts: [],
    corrected: false,
    disclaimer: '',
    version: '',
    view: '',
    layer: '',
    opacity: OPACITY,
    height: 686,
    count: 1,
    at: 0,
  },

  /** @type {import('../../services/studies').Study | null} */
  study: null,
  gone: false,

  /** @param {{ id?: string }} query */
  onLoad(query) {
    this.setData({ id: query.id || '' });
    this.load();
  },

  onShow() {
    if (page.shown(this)) this.load();
  },

  onUnload() {
    this.gone = true;
  },

  load() {
    return page.load(this, async () => {
      const tell = (/** @type {string} */ waiting) => this.setData({ waiting });
      const study = await studies.result(this.data.id, tell, () => !this.gone);
      this.study = study;
      return { ...about(study), ...(await this.pictured(study, 0)) };
    });
  },

  /**
   * The data of one of the study's images.
   * @param {import('../../services/studies').Study} study
   * @param {number} at
   */
  async pictured(study, at) {
    const image = study.images[at];
    const height = Math.round(Math.min(1000, Math.max(300, (686 * image.heightPx) / image.widthPx)));
    const quality = image.quality && image.quality.status !== 'ok' ? image.quality.reasonsZh : [];
    return {
      at,
      height,
      doubts: quality,
      confidence: image.confidence ? image.confidence.textZh : '',
      unsure: Boolean(image.confidence && image.confidence.level !== 'high'),
      ...(await studies.pictures(image)),
    };
  },

  /** @param {WechatMiniprogram.SliderChange} event */
  fade(event) {
    this.setData({ opacity: event.detail.value });
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  turn(event) {
    const { study } = this;
    if (!study) return;
    const at = this.data.at + Number(event.currentTarget.dataset.by);
    if (at < 0 || at >= study.images.length) return;
    page.once(this, async () => this.setData(await this.pictured(study, at)));
  },

  save() {
    const { study } = this;
    if (!study) return;
    page.once(this, async () => {
      const path = await studies.overlay(study.images[this.data.at]);
      const saved = await album.save(path);
      if (saved) wx.showToast({ title: '已保存到相册', icon: 'success' });
    });
  },

  another() {
    wx.redirectTo({ url: `/pages/segment/segment?organ=${this.study ? this.study.organ : ''}` });
  },
});

/**
 * What holds for the whole study, as the page's data.
 * @param {import('../../services/studies').Study} study
 */
function about(study) {
  const { name, labels } = organs.find(study.organ);
  return {
    name,
    labels,
    sample: study.source === 'sample',
    createdAt: moment(study.createdAt),
    status: /** @type {'succeeded'} */ (study.status),
    findings: (study.correctedFindings || study.findings).map((each) => ({ text: each.textZh })),
    corrected: Boolean(study.correctedFindings),
    reason: study.error ? study.error.message : '',
    disclaimer: study.disclaimer,
    version: study.release ? study.release.version : '',
    count: study.images.length,
    waiting: '',
  };
}
