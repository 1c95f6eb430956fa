// Public lists: from the box, else as the phone last saw them.
const { request } = require('../utils/request');
const storage = require('../utils/storage');

/** @typedef {{ items: any[], next: string | null, stale: boolean }} Page */

/**
 * A page of a list. Of the first page a copy is kept; `stale` says that it is the copy, for the box is out of reach.
 * @param {string} name under which the copy is kept
 * @param {string} path
 * @param {string} cursor the cursor's name
 * @param {string | null} [after] the cursor, of a further page
 * @returns {Promise<Page>}
 */
async function page(name, path, cursor, after) {
  if (after) return { ...(await request(`${path}?${cursor}=${encodeURIComponent(after)}`)), stale: false };
  try {
    const found = await request(path);
    storage.write(`list:${name}`, { items: found.items, next: null });
    return { ...found, stale: false };
  } catch (/** @type {any} */ error) {
    const copy = storage.read(`list:${name}`, null);
    if (error.status || !copy) throw error;
    return { .../** @type {any} */ (copy), stale: true };
  }
}

module.exports = { page };
