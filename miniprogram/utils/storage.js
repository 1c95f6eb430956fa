// What the phone keeps: the session's token, drafts, the number of a study that is under way, public lists for when
// there is no network, and the size of letters. Nothing else: no answer, no finding, no picture of a patient.

const OF_THE_PERSON = ['token', 'draft', 'pending'];

/**
 * @template T
 * @param {string} name
 * @param {T} otherwise
 * @returns {T}
 */
function read(name, otherwise) {
  try {
    const found = wx.getStorageSync(name);
    return found === '' || found === undefined ? otherwise : found;
  } catch (error) {
    return otherwise; // a full or broken storage: the program works without
  }
}

/**
 * @param {string} name
 * @param {any} value
 */
function write(name, value) {
  try {
    wx.setStorageSync(name, value);
  } catch (error) {
    // Full: what is kept is a convenience, never needed.
  }
}

/** @param {string} name */
function remove(name) {
  try {
    wx.removeStorageSync(name);
  } catch (error) {
    write(name, '');
  }
}

/** All that belongs to the person; the size of letters and public lists stay. */
function wipe() {
  OF_THE_PERSON.forEach(remove);
}

module.exports = { read, write, remove, wipe };
