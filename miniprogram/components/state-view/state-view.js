// What a page shows while it is not ready: loading, empty, failed with a retry, or signed out.
const session = require('../../utils/session');

Component({
  properties: {
    state: { type: String, value: 'loading' },
    problem: { type: String, value: '' },
    empty: { type: String, value: '这里还没有内容。' },
    why: { type: String, value: '登录后可以查看。' },
  },
  methods: {
    retry() {
      this.triggerEvent('retry');
    },
    logIn() {
      session.logIn();
    },
  },
});
