// Large type, for those who want it: kept on the phone, read by each page when it shows.
const storage = require('./storage');

let large = false;

function restore() {
  large = storage.read('large', false);
}

/** @param {boolean} wanted */
function setLarge(wanted) {
  large = wanted;
  storage.write('large', wanted);
}

/** @returns {'' | 'large'} the class for a page's outermost view */
function className() {
  return large ? 'large' : '';
}

module.exports = { restore, setLarge, className };
