// Announcements and articles of the hospital, with their comments.
const { request, address } = require('../utils/request');
const lists = require('./lists');

/** @typedef {'announcements' | 'articles'} Kind */
/** @typedef {{ id: string, text: string, state: string, author: string, own: boolean, createdAt: string }} Comment */

/**
 * @param {Kind} kind
 * @param {string | null} [after]
 */
const page = (kind, after) => lists.page(kind, `/api/v1/${kind}`, 'after', after);

/**
 * One, with its text for a rich-text: pictures get the box's address before their own.
 * @param {Kind} kind
 * @param {string} id
 */
async function read(kind, id) {
  const found = await request(`/api/v1/${kind}/${id}`);
  const html = found.html
    .replace(/src="\/api\//g, `src="${address('/api/')}`)
    .replace(/<img /g, '<img style="max-width:100%;height:auto" ');
  return { ...found, html };
}

/**
 * @param {Kind} kind
 * @param {string} id
 * @param {string | null} [before]
 * @returns {Promise<{ items: Comment[], next: string | null }>}
 */
const comments = (kind, id, before) =>
  request(`/api/v1/${kind}/${id}/comments${before ? `?before=${encodeURIComponent(before)}` : ''}`);

/**
 * @param {Kind} kind
 * @param {string} id
 * @param {string} text
 * @returns {Promise<Comment>}
 */
const comment = (kind, id, text) => request(`/api/v1/${kind}/${id}/comments`, { method: 'POST', data: { text } });

module.exports = { page, read, comments, comment };
