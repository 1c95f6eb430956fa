// WeChat's privacy question, asked before camera or album is used for the first time.
const privacy = require('../../utils/privacy');

Component({
  data: { open: false, contract: '《用户隐私保护指引》' },
  lifetimes: {
    attached() {
      privacy.watch(this);
    },
    detached() {
      privacy.unwatch(this);
      this.decline();
    },
  },
  methods: {
    show() {
      this.setData({ open: true });
      wx.getPrivacySetting({ success: (setting) => this.setData({ contract: setting.privacyContractName }) });
    },
    read() {
      wx.openPrivacyContract({ fail: () => wx.showToast({ title: '暂时打不开，请稍后再试', icon: 'none' }) });
    },
    agree() {
      this.setData({ open: false });
      privacy.answer(true, 'agree');
    },
    decline() {
      if (!this.data.open) return;
      this.setData({ open: false });
      privacy.answer(false, '');
    },
  },
});
