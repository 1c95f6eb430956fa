// Log in with name and password, or by WeChat; then back to where one was.
const config = require('../../config');
const page = require('../../utils/page');
const sessions = require('../../services/sessions');

Page({
  data: {
    look: '',
    busy: false,
    problem: '',
    username: '',
    password: '',
    seen: false,
    wechat: config.wechatLogin,
  },

  onShow() {
    page.shown(this);
  },

  /** @param {WechatMiniprogram.Input} event */
  type(event) {
    this.setData({ [event.currentTarget.dataset.field]: event.detail.value });
  },

  show() {
    this.setData({ seen: !this.data.seen });
  },

  logIn() {
    const { username, password } = this.data;
    if (!username.trim() || !password) {
      this.setData({ problem: '请填写用户名和密码。' });
      return;
    }
    page.once(this, async () => {
      await sessions.logIn(username.trim(), password);
      this.back();
    });
  },

  logInByWechat() {
    page.once(this, async () => {
      await sessions.logInByWechat();
      this.back();
    });
  },

  back() {
    this.setData({ password: '' });
    if (getCurrentPages().length > 1) wx.navigateBack();
    else wx.switchTab({ url: '/pages/home/home' });
  },
});
