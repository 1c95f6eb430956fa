// The own account: password, WeChat, deletion of what the box holds.
const { request, ApiError } = require('../utils/request');
const sessions = require('./sessions');

/** @returns {Promise<import('../utils/session').Account>} */
const me = () => request('/api/v1/accounts/me');

/**
 * @param {string} oldPassword
 * @param {string} newPassword
 */
const changePassword = (oldPassword, newPassword) =>
  request('/api/v1/accounts/me/password', { method: 'POST', data: { oldPassword, newPassword } });

/** @returns {Promise<{ available: boolean, bound: boolean }>} */
const wechat = () => request('/api/v1/accounts/me/wechat');

const bindWechat = async () =>
  request('/api/v1/accounts/me/wechat', { method: 'PUT', data: { code: await sessions.code() } });

const unbindWechat = () => request('/api/v1/accounts/me/wechat', { method: 'DELETE' });

/**
 * Delete the own studies, consultations and comments from the box.
 * @param {string} password
 */
async function deleteMyData(password) {
  try {
    await request('/api/v1/me/data', { method: 'DELETE', data: { password } });
  } catch (/** @type {any} */ error) {
    if (error.status !== 404) throw error;
    throw new ApiError('not_supported', '医院的系统还不支持在手机上删除，请联系管理员办理。', 404);
  }
}

module.exports = { me, changePassword, wechat, bindWechat, unbindWechat, deleteMyData };
