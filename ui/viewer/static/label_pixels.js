// Arithmetic on label tiles: from ids to colours, and from areas to outlines. Pure functions on typed arrays.

/**
 * One byte a pixel, row by row.
 * @typedef {{data: Uint8Array<ArrayBuffer>, width: number, height: number}} Plane
 */

/**
 * Write the colour of every id into `out` (one packed RGBA value a pixel).
 * @param {Uint8Array} ids
 * @param {Uint32Array} table
 * @param {Uint32Array} out
 */
export function colourise(ids, table, out) {
  for (let i = 0; i < ids.length; i += 1) out[i] = table[ids[i]];
}

/**
 * Whether any pixel is not written yet (255).
 * @param {Uint8Array} ids
 */
export function hasIgnore(ids) {
  return ids.includes(255);
}

/**
 * Copy a window of a tile with `border` pixels around it; what lies beyond comes from `neighbour(dRow, dCol)`
 * ({data, width, height} or null), and where there is none the edge is repeated, so that no line appears there.
 * @param {Plane} tile
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 * @param {number} border
 * @param {(dRow: number, dCol: number) => Plane | null} neighbour
 * @returns {Plane} of size (width + 2 border) x (height + 2 border)
 */
export function padded(tile, x, y, width, height, border, neighbour) {
  const outWidth = width + 2 * border;
  const outHeight = height + 2 * border;
  const data = new Uint8Array(outWidth * outHeight);
  for (let row = 0; row < outHeight; row += 1) {
    const sourceRow = y + row - border;
    const inside = sourceRow >= 0 && sourceRow < tile.height;
    const out = row * outWidth;
    if (inside && x - border >= 0 && x + width + border <= tile.width) {
      const start = sourceRow * tile.width + x - border;
      data.set(tile.data.subarray(start, start + outWidth), out);
      continue;
    }
    for (let col = 0; col < outWidth; col += 1) {
      data[out + col] = sample(tile, x + col - border, sourceRow, neighbour);
    }
    // the middle of an inner row is copied whole
    if (inside) data.set(tile.data.subarray(sourceRow * tile.width + x, sourceRow * tile.width + x + width), out + border);
  }
  return { data, width: outWidth, height: outHeight };
}

/**
 * @param {Plane} tile
 * @param {number} x
 * @param {number} y
 * @param {(dRow: number, dCol: number) => Plane | null} neighbour
 */
function sample(tile, x, y, neighbour) {
  const dCol = x < 0 ? -1 : x >= tile.width ? 1 : 0;
  const dRow = y < 0 ? -1 : y >= tile.height ? 1 : 0;
  const clampedX = Math.min(tile.width - 1, Math.max(0, x));
  const clampedY = Math.min(tile.height - 1, Math.max(0, y));
  if (dCol === 0 && dRow === 0) return tile.data[y * tile.width + x];
  const other = neighbour(dRow, dCol);
  if (!other) return tile.data[clampedY * tile.width + clampedX];
  const otherX = dCol < 0 ? other.width + x : dCol > 0 ? x - tile.width : x;
  const otherY = dRow < 0 ? other.height + y : dRow > 0 ? y - tile.height : y;
  if (otherX < 0 || otherY < 0 || otherX >= other.width || otherY >= other.height) {
    return tile.data[clampedY * tile.width + clampedX];
  }
  return other.data[otherY * other.width + otherX];
}

/**
 * The inner outlines of the areas in a padded window: each pixel keeps its id where another id lies within
 * `thickness` magnified pixels, and becomes 0 elsewhere.
 * @param {Plane} source result of `padded`
 * @param {number} border its border, at least thickness / 2 ** shift, rounded up
 * @param {number} shift each source pixel becomes 2 ** shift pixels on a side
 * @param {number} thickness
 */
export function outlined(source, border, shift, thickness) {
  const factor = 1 << shift;
  const width = (source.width - 2 * border) * factor;
  const height = (source.height - 2 * border) * factor;
  const out = new Uint8Array(width * height);
  const { data, width: stride } = source;
  const steps = thickness > factor ? Array.from({ length: thickness }, (_, i) => i + 1) : [thickness];
  const offset = border * factor;
  for (let y = 0; y < height; y += 1) {
    const row = ((y + offset) >> shift) * stride;
    for (let x = 0; x < width; x += 1) {
      const id = data[row + ((x + offset) >> shift)];
      if (id === 0 || id === 255) continue;
      for (const step of steps) {
        const left = (x + offset - step) >> shift;
        const right = (x + offset + step) >> shift;
        const above = ((y + offset - step) >> shift) * stride;
        const below = ((y + offset + step) >> shift) * stride;
        const here = (x + offset) >> shift;
        if (
          data[row + left] !== id || data[row + right] !== id || data[above + here] !== id ||
          data[below + here] !== id || data[above + left] !== id || data[above + right] !== id ||
          data[below + left] !== id || data[below + right] !== id
        ) {
          out[y * width + x] = id;
          break;
        }
      }
    }
  }
  return { data: out, width, height };
}
