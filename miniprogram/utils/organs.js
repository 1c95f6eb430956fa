// What can be segmented: the names and colours are the box's own (model/tasks.py).

/** @typedef {{ name: string, colour: string }} Label */
/** @typedef {{ organ: string, name: string, image: string, film: boolean, labels: Label[] }} Organ */

/** @type {Organ[]} */
const ORGANS = [
  { organ: 'retina', name: '眼底血管', image: '眼底彩照', film: false, labels: [{ name: '血管', colour: '#00E5A8' }] },
  {
    organ: 'chest',
    name: '肺与心脏',
    image: '胸部 X 光片',
    film: true,
    labels: [{ name: '肺', colour: '#3DA9FC' }, { name: '心脏', colour: '#F25F4C' }],
  },
  {
    organ: 'liver',
    name: '肝脏与病灶',
    image: '腹部 CT',
    film: true,
    labels: [{ name: '肝脏', colour: '#E0A458' }, { name: '疑似病灶', colour: '#D7263D' }],
  },
];

/**
 * @param {string | undefined} organ
 * @returns {Organ}
 */
function find(organ) {
  return ORGANS.find((each) => each.organ === organ) || ORGANS[0];
}

module.exports = { ORGANS, find };
