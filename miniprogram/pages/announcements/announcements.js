// What the hospital has published: announcements and articles, the pinned first, more as one scrolls down.
const page = require('../../utils/page');
const { moment } = require('../../utils/time');
const publications = require('../../services/publications');

Page({
  data: {
    look: '',
    /** @type {import('../../utils/page').State} */
    state: 'loading',
    problem: '',
    busy: false,
    stale: false,
    /** @type {import('../../services/publications').Kind} */
    kind: 'announcements',
    /** @type {{ id: string, title: string, excerpt: string, about: string, pinned: boolean }[]} */
    items: [],
    /** @type {string | null} */
    next: null,
  },

  onLoad() {
    this.load();
  },

  onShow() {
    if (page.shown(this)) this.load();
  },

  async onPullDownRefresh() {
    await this.load();
    wx.stopPullDownRefresh();
  },

  onReachBottom() {
    if (this.data.next) this.more();
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  choose(event) {
    const { kind } = event.currentTarget.dataset;
    if (kind === this.data.kind) return;
    this.setData({ kind, items: [], next: null });
    this.load();
  },

  load() {
    const { kind } = this.data;
    return page.load(this, async () => {
      const found = await publications.page(kind);
      if (kind !== this.data.kind) return {}; // the other list was chosen meanwhile
      const state = found.items.length ? 'ready' : 'empty';
      return { items: found.items.map(row), next: found.next, stale: found.stale, state };
    }, this.data.items.length > 0);
  },

  more() {
    return page.once(this, async () => {
      const found = await publications.page(this.data.kind, this.data.next);
      this.setData({ items: this.data.items.concat(found.items.map(row)), next: found.next });
    });
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  open(event) {
    wx.navigateTo({ url: `/pages/announcement/announcement?kind=${this.data.kind}&id=${event.currentTarget.dataset.id}` });
  },
});

/** @param {any} each */
function row(each) {
  const comments = each.comments ? ` · ${each.comments} 条留言` : '';
  const about = moment(each.publishedAt) + comments;
  return { id: each.id, title: each.title, excerpt: each.excerpt, pinned: each.pinned, about };
}
