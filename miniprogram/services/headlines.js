// Health news that the box has gathered.
const lists = require('./lists');

/** @typedef {{ id: string, title: string, source: string, publishedAt: string, url: string }} Headline */

const MOST_PAGES = 5;

/** @param {string | null} [before] */
const page = (before) => lists.page('headlines', '/api/v1/headlines', 'before', before);

/**
 * One headline. The box has no call for a single one: it is looked for in the newest pages.
 * @param {string} id
 * @returns {Promise<Headline | null>}
 */
async function find(id) {
  /** @type {string | null} */
  let cursor = null;
  for (let number = 0; number < MOST_PAGES; number += 1) {
    const found = await page(cursor);
    const wanted = found.items.find((each) => each.id === id);
    if (wanted) return wanted;
    cursor = found.next;
    if (!cursor) return null;
  }
  return null;
}

module.exports = { page, find };
