// Rasters of what a hand draws. Pure functions: points are {row, col} in image pixels, fractions included; a pixel
// belongs to a shape when its centre does. A "patch" is {row, col, height, width, mask}: its top left pixel, its size,
// and one byte a pixel (1: inside). Patches may be empty (height or width 0) and never reach beyond the image.

/** @typedef {Point & {radius: number}} BrushPoint */

/**
 * In image pixels, fractions included.
 * @typedef {{row: number, col: number}} Point
 */

/** @typedef {{height: number, width: number}} Size */

/**
 * Pixels of a window: its top left pixel, its size, and one byte a pixel (1: inside).
 * @typedef {{row: number, col: number, height: number, width: number, mask: Uint8Array}} Patch
 */

/**
 * An empty patch that covers a box given by its edges (fractions allowed), cut to an image of `size` {height, width}.
 * @param {number} top
 * @param {number} left
 * @param {number} bottom
 * @param {number} right
 * @param {Size} size of the image
 * @returns {Patch}
 */
export function patchOver(top, left, bottom, right, size) {
  const row = Math.min(size.height, Math.max(0, Math.floor(top)));
  const col = Math.min(size.width, Math.max(0, Math.floor(left)));
  const height = Math.max(0, Math.min(size.height, Math.ceil(bottom)) - row);
  const width = Math.max(0, Math.min(size.width, Math.ceil(right)) - col);
  return { row, col, height, width, mask: new Uint8Array(height * width) };
}

/**
 * What a round brush covers on its way from `a` to `b`, each {row, col, radius}; the radius changes evenly on the way.
 * A brush below one pixel still marks the pixel that it is in.
 * @param {BrushPoint} a
 * @param {BrushPoint} b
 * @param {Size} size of the image
 */
export function capsule(a, b, size) {
  const patch = patchOver(
    Math.min(a.row - a.radius, b.row - b.radius), Math.min(a.col - a.radius, b.col - b.radius),
    Math.max(a.row + a.radius, b.row + b.radius) + 1, Math.max(a.col + a.radius, b.col + b.radius) + 1, size,
  );
  const dRow = b.row - a.row;
  const dCol = b.col - a.col;
  const length2 = dRow * dRow + dCol * dCol;
  for (let y = 0; y < patch.height; y += 1) {
    const pRow = patch.row + y + 0.5 - a.row;
    for (let x = 0; x < patch.width; x += 1) {
      const pCol = patch.col + x + 0.5 - a.col;
      const along = length2 ? Math.min(1, Math.max(0, (pRow * dRow + pCol * dCol) / length2)) : 0;
      const radius = a.radius + (b.radius - a.radius) * along;
      const distance2 = (pRow - along * dRow) ** 2 + (pCol - along * dCol) ** 2;
      if (distance2 <= radius * radius) patch.mask[y * patch.width + x] = 1;
    }
  }
  markPixel(patch, a);
  markPixel(patch, b);
  return patch;
}

/**
 * The same shape in a window that is wider by `margin` pixels on each side, as far as the image goes.
 * @param {Patch} patch
 * @param {number} margin
 * @param {Size} size of the image
 */
export function widened(patch, margin, size) {
  const { row, col, height, width, mask } = patch;
  const wide = patchOver(row - margin, col - margin, row + height + margin, col + width + margin, size);
  for (let y = 0; y < height; y += 1) {
    wide.mask.set(mask.subarray(y * width, (y + 1) * width), (row - wide.row + y) * wide.width + col - wide.col);
  }
  return wide;
}

/**
 * @param {Patch} patch
 * @param {Point} point
 */
function markPixel(patch, { row, col }) {
  const y = Math.floor(row) - patch.row;
  const x = Math.floor(col) - patch.col;
  if (y >= 0 && x >= 0 && y < patch.height && x < patch.width) patch.mask[y * patch.width + x] = 1;
}

/**
 * The inside of a closed polygon (even-odd rule). Fewer than three points enclose nothing.
 * @param {Point[]} points
 * @param {Size} size
 */
export function polygon(points, size) {
  if (points.length < 3) return patchOver(0, 0, 0, 0, size);
  const rows = points.map((p) => p.row);
  const cols = points.map((p) => p.col);
  const patch = patchOver(least(rows), least(cols), greatest(rows), greatest(cols), size);
  const crossings = crossingsByRow(points, patch);
  for (let y = 0; y < patch.height; y += 1) {
    const at = crossings[y].sort((p, q) => p - q);
    for (let i = 0; i + 1 < at.length; i += 2) {
      // centres from at[i] (included) to at[i + 1] (excluded), so that neighbours neither overlap nor gap
      const from = Math.max(0, Math.ceil(at[i] - 0.5) - patch.col);
      const to = Math.min(patch.width, Math.ceil(at[i + 1] - 0.5) - patch.col);
      if (to > from) patch.mask.fill(1, y * patch.width + from, y * patch.width + to);
    }
  }
  return patch;
}

/**
 * For each row of pixel centres of a patch, the columns at which the polygon's edges cross it.
 * @param {Point[]} points
 * @param {Patch} patch
 */
function crossingsByRow(points, patch) {
  /** @type {number[][]} */
  const crossings = Array.from({ length: patch.height }, () => []);
  points.forEach((p, i) => {
    const q = points[(i + 1) % points.length];
    if (p.row === q.row) return;
    const [upper, lower] = p.row < q.row ? [p, q] : [q, p];
    const slope = (lower.col - upper.col) / (lower.row - upper.row);
    const first = Math.max(0, Math.ceil(upper.row - 0.5) - patch.row);
    const last = Math.min(patch.height, Math.ceil(lower.row - 0.5) - patch.row);
    for (let y = first; y < last; y += 1) crossings[y].push(upper.col + (patch.row + y + 0.5 - upper.row) * slope);
  });
  return crossings;
}

// Math.min(...array) fails for the many points of a long lasso
/** @param {number[]} values */
const least = (values) => values.reduce((a, b) => Math.min(a, b), Infinity);
/** @param {number[]} values */
const greatest = (values) => values.reduce((a, b) => Math.max(a, b), -Infinity);

/**
 * All pixels touched by the box between two corners.
 * @param {Point} a
 * @param {Point} b
 * @param {Size} size
 */
export function box(a, b, size) {
  const patch = patchOver(Math.min(a.row, b.row), Math.min(a.col, b.col), Math.max(a.row, b.row), Math.max(a.col, b.col), size);
  patch.mask.fill(1);
  return patch;
}

/**
 * Number of pixels in a mask.
 * @param {Uint8Array} mask
 */
export function count(mask) {
  let sum = 0;
  for (let i = 0; i < mask.length; i += 1) sum += mask[i];
  return sum;
}
