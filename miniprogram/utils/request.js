// The one way to the box: addresses, timeouts, retries, and one kind of error.
const config = require('../config');
const session = require('./session');

const TIMEOUT_MS = 20000;
/** Waits before a GET is tried again, in milliseconds; others are never sent twice. */
const BACK_OFF_MS = [600, 1800];
const TRY_AGAIN = [429, 502, 503, 504];
/** The code of a session that has ended: the log-in page comes up, and leads back. */
const EXPIRED = 'not_authenticated';

/** What went wrong, as the box told it; `status` 0 and the code `offline` when it could not be reached. */
class ApiError extends Error {
  /**
   * @param {string} code
   * @param {string} message
   * @param {number} status
   */
  constructor(code, message, status) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** @typedef {{ method?: 'GET' | 'POST' | 'PUT' | 'DELETE', data?: any, timeoutMs?: number, open?: boolean }} Options
 * `open`: asked without a session, as at the log-in. */

/**
 * Ask the box. Resolves with the answer's JSON, rejects with an ApiError.
 * @param {string} path
 * @param {Options} [options]
 * @returns {Promise<any>}
 */
async function request(path, options = {}) {
  const waits = (options.method || 'GET') === 'GET' ? BACK_OFF_MS : [];
  for (const wait of waits) {
    try {
      return await once(path, options);
    } catch (error) {
      if (!worthAnotherTry(error)) throw error;
      await later(wait + Math.random() * wait);
    }
  }
  return once(path, options);
}

/**
 * @param {string} path
 * @param {Options} options
 * @returns {Promise<any>}
 */
function once(path, options) {
  return new Promise((resolve, reject) => {
    wx.request({
      url: address(path),
      method: options.method || 'GET',
      data: options.data,
      header: headers(options.open),
      timeout: options.timeoutMs || TIMEOUT_MS,
      success: (response) => {
        if (response.statusCode < 300) resolve(response.data);
        else reject(refusal(response.statusCode, response.data));
      },
      fail: (reason) => reject(unreachable(reason.errMsg)),
    });
  });
}

/**
 * A file of the box that needs the session, as a temporary file of the phone.
 * @param {string} path
 * @returns {Promise<string>}
 */
function download(path) {
  return new Promise((resolve, reject) => {
    wx.downloadFile({
      url: address(path),
      header: headers(),
      timeout: 60000,
      success: (response) => {
        if (response.statusCode < 300) resolve(response.tempFilePath);
        else reject(refusal(response.statusCode, null));
      },
      fail: (reason) => reject(unreachable(reason.errMsg)),
    });
  });
}

/**
 * @param {string} path with a leading slash, as the box names it
 * @returns {string}
 */
function address(path) {
  return config.origin + path;
}

/**
 * @param {boolean} [open]
 * @returns {Record<string, string>}
 */
function headers(open) {
  const token = open ? '' : session.token();
  return token ? { Authorization: `Bearer ${token}` } : {};
}

/**
 * The box's refusal as an error; a session that has ended is forgotten.
 * @param {number} status
 * @param {any} body
 * @returns {ApiError}
 */
function refusal(status, body) {
  const told = readable(body).error;
  // A wrong password is refused with 401 too, and ends no session.
  const expired = status === 401 && (!told || told.code === EXPIRED);
  if (expired) session.forget();
  if (expired) return new ApiError(EXPIRED, '登录已过期，请重新登录。', status);
  if (told) return new ApiError(told.code, told.message, status);
  if (status === 404) return new ApiError('not_found', '找不到这项内容，它可能已被删除。', status);
  return new ApiError('server', '医院服务器暂时出错，请稍后再试。', status);
}

/**
 * @param {any} body JSON, or a text of it as uploads answer
 * @returns {any}
 */
function readable(body) {
  if (typeof body !== 'string') return body || {};
  try {
    return JSON.parse(body) || {};
  } catch (error) {
    return {};
  }
}

/**
 * @param {string} reason
 * @returns {ApiError}
 */
function unreachable(reason) {
  if (/abort/.test(reason)) return new ApiError('aborted', '已取消。', 0);
  if (/timeout/.test(reason)) return new ApiError('timeout', '网络太慢，医院服务器没有及时回应，请重试。', 0);
  return new ApiError('offline', '连不上医院服务器，请检查网络后重试。', 0);
}

/** @param {any} error */
function worthAnotherTry(error) {
  return ['offline', 'timeout'].includes(error.code) || TRY_AGAIN.includes(error.status);
}

/**
 * @param {number} ms
 * @returns {Promise<void>}
 */
function later(ms) {
  return new Promise((resolve) => { setTimeout(resolve, ms); });
}

module.exports = { EXPIRED, ApiError, request, download, address, headers, refusal, unreachable, readable, later };
