// What pages do alike: load something, name their state, send whoever is not logged in to the log-in and come back.
const session = require('./session');
const look = require('./look');
const { EXPIRED } = require('./request');

/** @typedef {'loading' | 'ready' | 'empty' | 'failed' | 'signedOut'} State */

/**
 * Run `work` and set the page's state from how it ended. `work` returns the data to set, its own `state` among it or
 * `ready`. With `quiet`, what is on the page stays there meanwhile.
 * @param {any} page
 * @param {() => Promise<Record<string, any>>} work
 * @param {boolean} [quiet]
 */
async function load(page, work, quiet) {
  if (!session.token()) {
    page.setData({ state: 'signedOut' });
    return;
  }
  if (!quiet) page.setData({ state: 'loading' });
  try {
    const found = await work();
    page.setData({ state: 'ready', problem: '', ...found });
  } catch (error) {
    page.setData(failed(error));
  }
}

/**
 * The data of a page whose loading failed.
 * @param {any} error
 * @returns {{ state: State, problem: string }}
 */
function failed(error) {
  if (error.code === EXPIRED) {
    session.logIn();
    return { state: 'signedOut', problem: '登录已过期，请重新登录。' };
  }
  return { state: 'failed', problem: sentence(error) };
}

/**
 * An error in words; for a session that ended, the log-in page comes up.
 * @param {any} error
 * @returns {string}
 */
function sentence(error) {
  if (error.code === EXPIRED) {
    session.logIn();
    return '登录已过期，请重新登录后再试。';
  }
  return error.code ? error.message : '出了点问题，请重试。';
}

/**
 * Keep `work` from running twice at once, as two quick taps would; `busy` is the page's flag.
 * @param {any} page
 * @param {() => Promise<void>} work
 */
async function once(page, work) {
  if (page.data.busy) return;
  page.setData({ busy: true, problem: '' });
  try {
    await work();
  } catch (/** @type {any} */ error) {
    page.setData({ problem: sentence(error) });
  } finally {
    page.setData({ busy: false });
  }
}

/**
 * For onShow: the size of letters; true when what waited for a log-in may be loaded now.
 * @param {any} page
 * @returns {boolean}
 */
function shown(page) {
  page.setData({ look: look.className() });
  return page.data.state === 'signedOut' && Boolean(session.token());
}

module.exports = { load, failed, sentence, once, shown };
