// Server-sent events out of the pieces of bytes that a chunked request hands over.

/**
 * Bytes to text, piece by piece: a character that is cut in two waits for its other half. Phones have no TextDecoder.
 * @returns {(bytes: Uint8Array) => string}
 */
function utf8() {
  /** @type {number[]} */
  let rest = [];
  return (bytes) => {
    const all = rest.concat(Array.from(bytes));
    let text = '';
    let at = 0;
    while (at < all.length) {
      const first = all[at];
      const size = first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
      if (at + size > all.length) break;
      text += String.fromCodePoint(codePoint(all, at, size));
      at += size;
    }
    rest = all.slice(at);
    return text;
  };
}

/**
 * @param {number[]} bytes
 * @param {number} at
 * @param {number} size
 */
function codePoint(bytes, at, size) {
  let code = size === 1 ? bytes[at] : bytes[at] & (0xff >> (size + 1));
  for (let next = 1; next < size; next += 1) code = (code << 6) | (bytes[at + next] & 0x3f);
  return code;
}

/**
 * A function that takes pieces of bytes and calls `heard` with each whole event.
 * @param {(event: string, data: any) => void} heard
 * @returns {(piece: ArrayBuffer) => void}
 */
function reader(heard) {
  const decode = utf8();
  let buffer = '';
  return (piece) => {
    buffer = (buffer + decode(new Uint8Array(piece))).replace(/\r\n/g, '\n');
    const blocks = buffer.split('\n\n');
    buffer = blocks.pop() || '';
    blocks.forEach((block) => tell(block, heard));
  };
}

/**
 * @param {string} block
 * @param {(event: string, data: any) => void} heard
 */
function tell(block, heard) {
  let event = 'message';
  /** @type {string[]} */
  const data = [];
  block.split('\n').forEach((line) => {
    if (line.startsWith('event:')) event = line.slice(6).trim();
    else if (line.startsWith('data:')) data.push(line.slice(5).replace(/^ /, ''));
  });
  if (data.length) heard(event, JSON.parse(data.join('\n')));
}

module.exports = { reader, utf8 };
