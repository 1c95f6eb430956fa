// The own account: studies, consultations, and settings. Nothing of it is kept on the phone.
const session = require('../../utils/session');
const look = require('../../utils/look');
const page = require('../../utils/page');
const organs = require('../../utils/organs');
const { moment } = require('../../utils/time');
const accounts = require('../../services/accounts');
const consultations = require('../../services/consultations');
const sessions = require('../../services/sessions');
const studies = require('../../services/studies');

/** @typedef {'studies' | 'consultations' | 'settings'} Section */
/** @typedef {{ id: string, title: string, about: string, tag: string, mood: string }} Row */

const ROLES = { user: '用户', clinician: '医生', admin: '管理员' };
/** @type {Record<string, [string, string]>} how a study's status is told, and in which colour */
const STATUSES = {
  queued: ['排队中', ''],
  running: ['分析中', ''],
  succeeded: ['已完成', ''],
  refused: ['图片不适合', 'tag--warning'],
  failed: ['没有完成', 'tag--error'],
};
const LEVELS = { emergency: ['危急', 'tag--error'], urgent: ['尽快就医', 'tag--warning'], routine: ['', ''] };

Page({
  data: {
    look: '',
    /** @type {import('../../utils/page').State} */
    state: 'loading',
    problem: '',
    busy: false,
    done: '',
    username: '',
    role: '',
    initial: false,
    /** @type {Section} */
    section: 'studies',
    /** @type {import('../../utils/page').State} */
    listState: 'loading',
    listProblem: '',
    /** @type {Row[]} */
    items: [],
    /** @type {string | null} */
    next: null,
    large: false,
    wechat: { available: false, bound: false },
    oldPassword: '',
    newPassword: '',
    newAgain: '',
    deleting: false,
    deletePassword: '',
  },

  onShow() {
    page.shown(this);
    this.setData({ large: this.data.look === 'large' });
    this.load();
  },

  load() {
    return page.load(this, async () => {
      const [me, wechat] = await Promise.all([accounts.me(), accounts.wechat()]);
      if (this.data.section !== 'settings') this.list(this.data.section);
      const role = /** @type {Record<string, string>} */ (ROLES)[me.role] || '';
      return { username: me.username, role, initial: me.passwordIsInitial, wechat };
    }, this.data.username !== '');
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  choose(event) {
    /** @type {Section} */
    const section = event.currentTarget.dataset.section;
    if (section === this.data.section) return;
    this.setData({ section, items: [], next: null, listState: 'loading', problem: '', done: '' });
    if (section !== 'settings') this.list(section);
  },

  retryList() {
    this.setData({ listState: 'loading' });
    this.list(this.data.section);
  },

  more() {
    return page.once(this, async () => {
      const { section, next } = this.data;
      const found = await this.read(section, next || undefined);
      this.setData({ items: this.data.items.concat(found.rows), next: found.next });
    });
  },

  /** @param {Section} section */
  async list(section) {
    try {
      const { rows, next } = await this.read(section);
      if (section !== this.data.section) return; // the other list was chosen meanwhile
      this.setData({ items: rows, next, listState: rows.length ? 'ready' : 'empty', listProblem: '' });
    } catch (error) {
      this.setData({ listState: 'failed', listProblem: page.sentence(error) });
    }
  },

  /**
   * @param {Section} section
   * @param {string} [before]
   * @returns {Promise<{ rows: Row[], next: string | null }>}
   */
  async read(section, before) {
    const found = section === 'studies' ? await studies.list(before) : await consultations.list(before);
    return { rows: found.items.map(section === 'studies' ? studyRow : consultationRow), next: found.next };
  },

  /** @param {WechatMiniprogram.BaseEvent} event */
  open(event) {
    const target = this.data.section === 'studies' ? 'result/result' : 'answer/answer';
    wx.navigateTo({ url: `/pages/${target}?id=${event.currentTarget.dataset.id}` });
  },

  /** @param {WechatMiniprogram.Input} event */
  type(event) {
    this.setData({ [event.currentTarget.dataset.field]: event.detail.value, problem: '', done: '' });
  },

  /** @param {WechatMiniprogram.SwitchChange} event */
  enlarge(event) {
    look.setLarge(event.detail.value);
    this.setData({ look: look.className(), large: event.detail.value });
  },

  changePassword() {
    const { oldPassword, newPassword, newAgain } = this.data;
    const problem = passwordProblem(oldPassword, newPassword, newAgain);
    if (problem) {
      this.setData({ problem, done: '' });
      return;
    }
    page.once(this, async () => {
      await accounts.changePassword(oldPassword, newPassword);
      const done = '密码已修改，其他设备上的登录已退出。';
      this.setData({ oldPassword: '', newPassword: '', newAgain: '', initial: false, done });
    });
  },

  bind() {
    page.once(this, async () => {
      await accounts.bindWechat();
      this.setData({ wechat: { available: true, bound: true }, done: '已绑定，下次可以用微信登录。' });
    });
  },

  unbind() {
    page.once(this, async () => {
      await accounts.unbindWechat();
      this.setData({ wechat: { available: true, bound: false }, done: '已解除绑定。' });
    });
  },

  async signOut() {
    const asked = await wx.showModal({ title: '退出登录', content: '退出后，手机上不会留下您的任何资料。', confirmText: '退出' });
    if (!asked.confirm) return;
    await page.once(this, () => sessions.logOut());
    this.forget();
  },

  askDeletion() {
    this.setData({ deleting: !this.data.deleting, deletePassword: '', problem: '', done: '' });
  },

  deleteData() {
    if (!this.data.deletePassword) {
      this.setData({ problem: '请输入密码确认。' });
      return;
    }
    page.once(this, async () => {
      const asked = await wx.showModal({
        title: '删除我的数据',
        content: '您的影像、问诊和留言会从医院的机器上删除，不能恢复。确定吗？',
        confirmText: '删除',
        confirmColor: '#b3261e',
      });
      if (!asked.confirm) return;
      await accounts.deleteMyData(this.data.deletePassword);
      session.wipe();
      this.forget();
      wx.showToast({ title: '数据已删除', icon: 'success' });
    });
  },

  /** Nothing of whoever was logged in stays on the page. */
  forget() {
    const blank = { oldPassword: '', newPassword: '', newAgain: '', deletePassword: '', deleting: false };
    this.setData({ ...blank, state: 'signedOut', username: '', items: [], next: null, section: 'studies', done: '' });
  },

  logIn() {
    session.logIn();
  },
});

/**
 * @param {string} old
 * @param {string} fresh
 * @param {string} again
 */
function passwordProblem(old, fresh, again) {
  if (!old || !fresh) return '请填写原密码和新密码。';
  if (fresh.length < 8) return '新密码至少 8 个字符。';
  return fresh === again ? '' : '两次输入的新密码不一样。';
}

/**
 * @param {import('../../services/studies').Study} study
 * @returns {Row}
 */
function studyRow(study) {
  const [tag, mood] = STATUSES[study.status] || ['', ''];
  const sample = study.source === 'sample' ? ' · 演示样例' : '';
  return { id: study.id, title: organs.find(study.organ).name, about: moment(study.createdAt) + sample, tag, mood };
}

/**
 * @param {import('../../services/consultations').Consultation} it
 * @returns {Row}
 */
function consultationRow(it) {
  const [tag, mood] = LEVELS[it.triage.level] || ['', ''];
  return { id: it.id, title: it.question, about: moment(it.createdAt), tag, mood };
}
