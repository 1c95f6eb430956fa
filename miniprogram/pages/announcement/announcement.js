// One announcement or article, and what people wrote under it.
const page = require('../../utils/page');
const { moment } = require('../../utils/time');
const publications = require('../../services/publications');

const MOST = 500;

Page({
  data: {
    look: '',
    /** @type {import('../../utils/page').State} */
    state: 'loading',
    problem: '',
    busy: false,
    most: MOST,
    id: '',
    /** @type {import('../../services/publications').Kind} */
    kind: 'announcements',
    title: '',
    publishedAt: '',
    html: '',
    text: '',
    sent: '',
    /** @type {{ id: string, text: string, author: string, at: string, waits: boolean }[]} */
    comments: [],
    /** @type {string | null} */
    next: null,
  },

  /** @param {{ id?: string, kind?: string }} query */
  onLoad(query) {
    this.setData({ id: query.id || '', kind: query.kind === 'articles' ? 'articles' : 'announcements' });
    this.load();
  },

  onShow() {
    if (page.shown(this)) this.load();
  },

  load() {
    const { kind, id } = this.data;
    return page.load(this, async () => {
      const [it, told] = await Promise.all([publications.read(kind, id), publications.comments(kind, id)]);
      return {
        title: it.title,
        publishedAt: moment(it.publishedAt),
        html: it.html,
        comments: told.items.map(row),
        next: told.next,
      };
    });
  },

  more() {
    return page.once(this, async () => {
      const told = await publications.comments(this.data.kind, this.data.id, this.data.next);
      this.setData({ comments: this.data.comments.concat(told.items.map(row)), next: told.next });
    });
  },

  /** @param {WechatMiniprogram.Input} event */
  type(event) {
    this.setData({ text: event.detail.value, sent: '', problem: '' });
  },

  send() {
    const text = this.data.text.trim();
    if (!text) {
      this.setData({ problem: '请写下留言。' });
      return;
    }
    page.once(this, async () => {
      const written = await publications.comment(this.data.kind, this.data.id, text);
      const comments = [row(written)].concat(this.data.comments);
      this.setData({ comments, text: '', sent: '已提交，管理员审核后其他人才能看到。' });
    });
  },
});

/** @param {import('../../services/publications').Comment} each */
function row(each) {
  const author = each.own ? '我' : each.author;
  return { id: each.id, text: each.text, author, at: moment(each.createdAt), waits: each.state !== 'approved' };
}
