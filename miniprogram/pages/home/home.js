// Home: the ways in, a study that is still under way, and the newest health headlines.
const config = require('../../config');
const session = require('../../utils/session');
const page = require('../../utils/page');
const { moment } = require('../../utils/time');
const { ORGANS } = require('../../utils/organs');
const headlines = require('../../services/headlines');
const studies = require('../../services/studies');

Page({
  data: {
    look: '',
    /** @type {import('../../utils/page').State} */
    state: 'loading',
    problem: '',
    hospital: config.hospital,
    organs: ORGANS,
    pending: '',
    stale: false,
    /** @type {{ id: string, title: string, about: string }[]} */
    headlines: [],
  },

  onLoad() {
    this.load();
  },

  onShow() {
    this.setData({ pending: session.token() ? studies.pending() : '' });
    if (page.shown(this) || !session.token()) this.load();
  },

  async onPullDownRefresh() {
    await this.load();
    wx.stopPullDownRefresh();
  },

  load() {
    return page.load(this, async () => {
      const found = await headlines.page();
      const shown = found.items.slice(0, 10).map((each) => ({
        id: each.id,
        title: each.title,
        about: `${each.source} · ${moment(each.publishedAt)}`,
      }));
      return { headlines: shown, stale: found.stale, state: shown.length ? 'ready' : 'empty' };
    }, this.data.headlines.length > 0);
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  segment(event) {
    if (!session.token()) session.logIn();
    else wx.navigateTo({ url: `/pages/segment/segment?organ=${event.currentTarget.dataset.organ}` });
  },

  consult() {
    wx.switchTab({ url: '/pages/consult/consult' });
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  open(event) {
    wx.navigateTo({ url: `/pages/headline/headline?id=${event.currentTarget.dataset.id}` });
  },

  resume() {
    wx.navigateTo({ url: `/pages/result/result?id=${this.data.pending}` });
  },
});
