// Each object in its own shade of its class's colour, with an outline: arithmetic on tiles of classes and of object ids.

const SHADES = 7;
const LINE_ALPHA = 235;

/**
 * Colours of classes and of the objects in them (packed RGBA).
 * @typedef {object} Shades
 * @property {Uint32Array} fill by class and shade
 * @property {Uint32Array} line by class
 */

/**
 * @param {Uint32Array} table colours of the classes, 0 where one is not shown
 * @param {number} opacity 0 to 1
 * @param {boolean} outline whether objects are not filled
 * @returns {Shades}
 */
export function shadesOf(table, opacity, outline) {
  const fill = new Uint32Array(256 * (SHADES + 1));
  const line = new Uint32Array(256);
  for (let id = 0; id < 256; id += 1) {
    const color = table[id];
    const alpha = color >>> 24;
    if (!alpha) continue;
    line[id] = mixed(color, 255, 0.55, Math.round((LINE_ALPHA * alpha) / 255));
    if (outline) continue;
    for (let shade = 0; shade <= SHADES; shade += 1) {
      // 0: no id, the class's own colour; then from dark to light
      const t = shade === 0 ? 0 : (shade - 1) / (SHADES - 1) - 0.5;
      fill[id * (SHADES + 1) + shade] = mixed(color, t < 0 ? 0 : 255, Math.abs(t) * 1.1, Math.round(opacity * alpha));
    }
  }
  return { fill, line };
}

/**
 * A colour on its way to black (0) or white (255).
 * @param {number} color packed
 * @param {number} end
 * @param {number} share of the way
 * @param {number} alpha
 */
function mixed(color, end, share, alpha) {
  /** @param {number} shift */
  const channel = (shift) => {
    const value = (color >>> shift) & 255;
    return Math.round(value + (end - value) * share);
  };
  return ((alpha << 24) | (channel(16) << 16) | (channel(8) << 8) | channel(0)) >>> 0;
}

/**
 * The shade of an object: the same wherever and whenever it is drawn; ids that follow each other differ.
 * @param {number} id
 */
export function shadeOf(id) {
  return id === 0 ? 0 : 1 + ((5 * id + (id >>> 4) + (id >>> 9)) % SHADES);
}

/**
 * Write the colours of a part of a tile into `out`, row by row. A pixel lies on an outline where its neighbour on one side, in
 * the tile, belongs to another object and that on the other side to the same one: far out, where objects are a pixel wide, all
 * would be outline.
 * @param {{data: Uint8Array, width: number, height: number}} tile classes
 * @param {Uint32Array | null} ids of the same pixels; null: none has one
 * @param {{row: number, col: number, height: number, width: number}} rect of the tile
 * @param {Shades} shades
 * @param {Uint32Array} out of the size of `rect`
 */
export function colouriseObjects({ data, width, height }, ids, rect, { fill, line }, out) {
  for (let y = 0; y < rect.height; y += 1) {
    const row = rect.row + y;
    for (let x = 0; x < rect.width; x += 1) {
      const col = rect.col + x;
      const at = row * width + col;
      const label = data[at];
      const id = ids ? ids[at] : 0;
      const edge = label !== 0 && (
        differs(data, ids, col > 0 ? at - 1 : at, label, id) !== differs(data, ids, col + 1 < width ? at + 1 : at, label, id) ||
        differs(data, ids, row > 0 ? at - width : at, label, id) !== differs(data, ids, row + 1 < height ? at + width : at, label, id));
      out[y * rect.width + x] = edge ? line[label] : fill[label * (SHADES + 1) + shadeOf(id)];
    }
  }
}

/**
 * @param {Uint8Array} data
 * @param {Uint32Array | null} ids
 * @param {number} at
 * @param {number} label
 * @param {number} id
 */
function differs(data, ids, at, label, id) {
  return data[at] !== label || (ids !== null && ids[at] !== id);
}
