// One headline. The news itself lies on another site, which a mini program may not open: its address can be copied.
const page = require('../../utils/page');
const { moment } = require('../../utils/time');
const headlines = require('../../services/headlines');
const consultations = require('../../services/consultations');

Page({
  data: {
    look: '',
    /** @type {import('../../utils/page').State} */
    state: 'loading',
    problem: '',
    id: '',
    title: '',
    source: '',
    publishedAt: '',
    url: '',
    site: '',
  },

  /** @param {{ id?: string }} query */
  onLoad(query) {
    this.setData({ id: query.id || '' });
    this.load();
  },

  onShow() {
    if (page.shown(this)) this.load();
  },

  load() {
    return page.load(this, async () => {
      const it = await headlines.find(this.data.id);
      if (!it) return { state: 'empty' };
      const site = it.url.replace(/^https?:\/\//, '').replace(/[/?#].*$/, '');
      return { title: it.title, source: it.source, publishedAt: moment(it.publishedAt), url: it.url, site };
    });
  },

  copy() {
    wx.setClipboardData({
      data: this.data.url,
      fail: () => wx.showToast({ title: '没有复制成功，请重试', icon: 'none' }),
    });
  },

  ask() {
    consultations.keepDraft(`我看到一条健康新闻：“${this.data.title}”。我想问：`);
    wx.switchTab({ url: '/pages/consult/consult' });
  },
});
