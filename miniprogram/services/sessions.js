// Logging in and out.
const { request } = require('../utils/request');
const session = require('../utils/session');

/**
 * @param {string} username
 * @param {string} password
 */
async function logIn(username, password) {
  const opened = await request('/api/v1/sessions', { method: 'POST', data: { username, password }, open: true });
  session.keep(opened.token);
}

/** By the WeChat user of this phone, whom the own account was bound to. */
async function logInByWechat() {
  const data = { code: await code() };
  const opened = await request('/api/v1/sessions/wechat', { method: 'POST', data, open: true });
  session.keep(opened.token);
}

/** End the session on the box, and wipe what the phone holds of this person even when the box cannot be reached. */
async function logOut() {
  try {
    await request('/api/v1/sessions/current', { method: 'DELETE', timeoutMs: 5000 });
  } catch (error) {
    // Offline: the box ends the session by itself in time; the token is gone from here.
  }
  session.wipe();
}

/**
 * A code by which the box learns from WeChat who this is.
 * @returns {Promise<string>}
 */
async function code() {
  return (await wx.login()).code;
}

module.exports = { logIn, logInByWechat, logOut, code };
