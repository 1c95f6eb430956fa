// Times as people here say them.

/** @param {number} number */
const two = (number) => String(number).padStart(2, '0');

/**
 * 2026-11-25T01:02:03.000Z → 11月25日 09:02, with the year when it is another one.
 * @param {string | null} utc
 * @returns {string}
 */
function moment(utc) {
  const at = utc ? new Date(utc) : null;
  if (!at || isNaN(at.getTime())) return '';
  const year = at.getFullYear() === new Date().getFullYear() ? '' : `${at.getFullYear()}年`;
  return `${year}${at.getMonth() + 1}月${at.getDate()}日 ${two(at.getHours())}:${two(at.getMinutes())}`;
}

module.exports = { moment };
