// WeChat's privacy question: before the first use of camera or album the person must have agreed to the hospital's
// privacy guide. WeChat asks through a listener; the sheet on the page answers it.

/** @type {((answer: any) => void) | null} */
let waiting = null;
/** @type {(() => void)[]} */
const watchers = [];

/** Once, when the program starts. */
function listen() {
  if (!wx.onNeedPrivacyAuthorization) return;
  wx.onNeedPrivacyAuthorization((resolve) => {
    waiting = resolve;
    watchers.forEach((watcher) => watcher());
  });
}

/**
 * Have `watcher` called when the question comes up; returns how to stop that.
 * @param {() => void} watcher
 * @returns {() => void}
 */
function watch(watcher) {
  watchers.push(watcher);
  return () => { watchers.splice(watchers.indexOf(watcher), 1); };
}

/**
 * @param {boolean} agreed
 * @param {string} buttonId of the button that was pressed, which WeChat checks
 */
function answer(agreed, buttonId) {
  const resolve = waiting;
  waiting = null;
  if (resolve) resolve(agreed ? { event: 'agree', buttonId } : { event: 'disagree' });
}

module.exports = { listen, watch, answer };
