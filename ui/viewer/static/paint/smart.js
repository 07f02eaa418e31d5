// The smart brush: of the pixels under a round brush, those that belong together in the micrograph. Pure functions.

/** @import { Patch } from "./shapes.js" */

/**
 * What the smart brush stops at: steep edges, or grey values unlike that at the stroke's start (`reference`).
 * @typedef {{mode: "edges" | "similar", tolerance: number, reference: number}} SmartRule
 */

/**
 * Mean grey value of the 5 x 5 pixels around a pixel, of those that are in the window.
 * @param {Uint8Array} grey
 * @param {number} height
 * @param {number} width
 * @param {number} row
 * @param {number} col
 */
export function meanAround(grey, height, width, row, col) {
  let sum = 0;
  let n = 0;
  for (let y = Math.max(0, row - 2); y <= Math.min(height - 1, row + 2); y += 1) {
    for (let x = Math.max(0, col - 2); x <= Math.min(width - 1, col + 2); x += 1) {
      sum += grey[y * width + x];
      n += 1;
    }
  }
  return n ? sum / n : 0;
}

/**
 * Means of 3 x 3 pixels: single noisy pixels shall neither stop the brush nor let it through.
 * @param {Uint8Array} grey
 * @param {number} height
 * @param {number} width
 */
export function softened(grey, height, width) {
  const out = new Float32Array(height * width);
  for (let row = 0; row < height; row += 1) {
    for (let col = 0; col < width; col += 1) {
      let sum = 0;
      let n = 0;
      for (let y = Math.max(0, row - 1); y <= Math.min(height - 1, row + 1); y += 1) {
        for (let x = Math.max(0, col - 1); x <= Math.min(width - 1, col + 1); x += 1) {
          sum += grey[y * width + x];
          n += 1;
        }
      }
      out[row * width + col] = sum / n;
    }
  }
  return out;
}

/**
 * Strength of edges: the steepest change of grey value per pixel, from central differences.
 * @param {Float32Array} grey
 * @param {number} height
 * @param {number} width
 */
export function steepness(grey, height, width) {
  const out = new Float32Array(height * width);
  for (let row = 0; row < height; row += 1) {
    const above = Math.max(0, row - 1) * width;
    const below = Math.min(height - 1, row + 1) * width;
    for (let col = 0; col < width; col += 1) {
      const left = row * width + Math.max(0, col - 1);
      const right = row * width + Math.min(width - 1, col + 1);
      out[row * width + col] = Math.hypot(grey[below + col] - grey[above + col], grey[right] - grey[left]) / 2;
    }
  }
  return out;
}

/**
 * The part of a brush that the smart brush paints.
 * @param {Patch} patch the brush (see shapes.js); its mask is read
 * @param {Uint8Array} grey grey values of the same window
 * @param {{row: number, col: number}} seed {row, col} in the window where the pointer is
 * @param {SmartRule} rule {mode: "edges" | "similar", tolerance: grey values, reference: grey value at the stroke's start}
 * @returns {Uint8Array} mask: connected with the seed (edge to edge), within the brush, obeying the rule
 */
export function smartMask(patch, grey, seed, { mode, tolerance, reference }) {
  const { height, width } = patch;
  const soft = softened(grey, height, width);
  const slope = mode === "edges" ? steepness(soft, height, width) : null;
  /** @param {number} i */
  const fits = (i) => (slope ? slope[i] <= tolerance : Math.abs(soft[i] - reference) <= tolerance);
  const out = new Uint8Array(height * width);
  const start = seed.row * width + seed.col;
  if (seed.row < 0 || seed.col < 0 || seed.row >= height || seed.col >= width || !patch.mask[start] || !fits(start)) return out;
  const stack = [start];
  out[start] = 1;
  /** @param {number} i */
  const visit = (i) => {
    if (out[i] || !patch.mask[i] || !fits(i)) return;
    out[i] = 1;
    stack.push(i);
  };
  for (let i = stack.pop(); i !== undefined; i = stack.pop()) {
    const x = i % width;
    if (x > 0) visit(i - 1);
    if (x < width - 1) visit(i + 1);
    if (i >= width) visit(i - width);
    if (i < (height - 1) * width) visit(i + width);
  }
  return out;
}
