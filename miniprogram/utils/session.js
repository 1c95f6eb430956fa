// The session: its token is all that is stored of whoever is logged in.
const storage = require('./storage');

/** @typedef {{ id: string, username: string, role: string, passwordIsInitial: boolean }} Account */

/** @returns {string} the token, or '' when nobody is logged in */
function token() {
  return storage.read('token', '');
}

/** @param {string} fresh */
function keep(fresh) {
  storage.write('token', fresh);
}

/** Nobody is logged in any more; drafts stay, for the same person may come back. */
function forget() {
  storage.remove('token');
}

/** Leave nothing of this person on the phone. */
function wipe() {
  storage.wipe();
}

/** To the log-in page, which leads back to this one. Duplicate calls open it once. */
function logIn() {
  const pages = getCurrentPages();
  const top = pages[pages.length - 1];
  if (!top || top.route !== 'pages/login/login') wx.navigateTo({ url: '/pages/login/login', fail: () => {} });
}

module.exports = { token, keep, forget, wipe, logIn };
