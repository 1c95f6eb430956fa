// WeChat's privacy question: before the first use of camera or album the person must have agreed to the hospital's
// privacy guide. WeChat asks through a listener; the sheet on the page answers it.

/** @type {((answer: any) => void) | null} */
let waiting = null;
/** @type {{ show: () => void }[]} the sheets of the pages that are open, the top one last */
const sheets = [];

/** Once, when the program starts. */
function listen() {
  if (!wx.onNeedPrivacyAuthorization) return;
  wx.onNeedPrivacyAuthorization((resolve) => {
    waiting = /** @type {any} */ (resolve);
    const top = sheets[sheets.length - 1];
    if (top) top.show();
    else answer(false, '');
  });
}

/** @param {{ show: () => void }} sheet to be shown when the question comes up */
function watch(sheet) {
  sheets.push(sheet);
}

/** @param {{ show: () => void }} sheet */
function unwatch(sheet) {
  const at = sheets.indexOf(sheet);
  if (at >= 0) sheets.splice(at, 1);
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

module.exports = { listen, watch, unwatch, answer };
