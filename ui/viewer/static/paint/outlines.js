// Growing, shrinking and smoothing of one area in a window. Pure functions on masks of one byte a pixel, row by row.

/**
 * Half widths of a disc's rows: `reach[|dy|]` pixels to either side. Pixels at exactly the radius belong to it.
 * @param {number} radius
 */
function reachOf(radius) {
  const rows = Math.floor(radius);
  return Array.from({ length: rows + 1 }, (_, dy) => Math.floor(Math.sqrt(radius * radius - dy * dy) + 1e-9));
}

/**
 * For each pixel the number of mask pixels within `radius`, and how many pixels of the window lie there at all.
 * @param {Uint8Array} mask
 * @param {number} height
 * @param {number} width
 * @param {number} radius
 * @returns {{sums: Uint32Array, places: Uint32Array}}
 */
function discCounts(mask, height, width, radius) {
  const reach = reachOf(radius);
  const sums = new Uint32Array(height * width);
  const places = new Uint32Array(height * width);
  const running = new Uint32Array(width + 1);
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) running[x + 1] = running[x] + mask[y * width + x];
    for (let dy = 1 - reach.length; dy < reach.length; dy += 1) {
      const target = y + dy;
      if (target < 0 || target >= height) continue;
      addRow(running, reach[Math.abs(dy)], target * width, width, sums, places);
    }
  }
  return { sums, places };
}

/**
 * @param {Uint32Array} running
 * @param {number} half
 * @param {number} offset
 * @param {number} width
 * @param {Uint32Array} sums
 * @param {Uint32Array} places
 */
function addRow(running, half, offset, width, sums, places) {
  for (let x = 0; x < width; x += 1) {
    const left = x > half ? x - half : 0;
    const right = Math.min(x + half + 1, width);
    sums[offset + x] += running[right] - running[left];
    places[offset + x] += right - left;
  }
}

/**
 * The area and everything within `radius` pixels of it (distance between pixel centres).
 * @param {Uint8Array} mask
 * @param {number} height
 * @param {number} width
 * @param {number} radius
 */
export function grown(mask, height, width, radius) {
  const { sums } = discCounts(mask, height, width, radius);
  return Uint8Array.from(sums, (sum) => (sum > 0 ? 1 : 0));
}

/**
 * The area without what lies within `radius` pixels of its outside. The window's edge is no outside.
 * @param {Uint8Array} mask
 * @param {number} height
 * @param {number} width
 * @param {number} radius
 */
export function shrunk(mask, height, width, radius) {
  const { sums, places } = discCounts(mask, height, width, radius);
  return Uint8Array.from(sums, (sum, i) => (sum === places[i] ? 1 : 0));
}

/**
 * The area with a smoother outline: each pixel as the majority of the disc around it says; a tie leaves it.
 * @param {Uint8Array} mask
 * @param {number} height
 * @param {number} width
 * @param {number} radius
 */
export function smoothed(mask, height, width, radius) {
  const { sums, places } = discCounts(mask, height, width, radius);
  return Uint8Array.from(sums, (sum, i) => {
    const twice = 2 * sum;
    return twice === places[i] ? mask[i] : Number(twice > places[i]);
  });
}
