// How panes of one size fill a room. Pure.

export const GAP_PX = 2;
const STACKED_BELOW_PX = 560;
const LEAST_WIDTH_PX = 240; // in a narrower pane no organelle is recognised
const PANE_HEIGHTS_PX = [190, 320]; // of stacked panes

/**
 * Whether so many panes are put below each other, the room growing as high as they need.
 * @param {number} count
 * @param {number} widthPx
 */
export function isStacked(count, widthPx) {
  return count > 1 && widthPx < STACKED_BELOW_PX;
}

/**
 * Height of all panes below each other.
 * @param {number} count
 * @param {number} widthPx
 * @param {number} aspect height by width of the image
 */
export function stackedHeight(count, widthPx, aspect) {
  const [least, most] = PANE_HEIGHTS_PX;
  return count * Math.round(Math.min(most, Math.max(least, widthPx * aspect))) + (count - 1) * GAP_PX;
}

/**
 * Columns, and the size of a pane in whole pixels: equal for all, so that one view fits all.
 * The image is as large as it can be; cells that stay empty count against a way.
 * @param {number} count
 * @param {number} widthPx
 * @param {number} heightPx
 * @param {number} aspect
 * @param {boolean} stacked
 */
export function layout(count, widthPx, heightPx, aspect, stacked = false) {
  let best = { columns: 1, rows: count, width: 1, height: 1, score: -1 };
  for (let columns = 1; columns <= (stacked ? 1 : count); columns += 1) {
    const rows = Math.ceil(count / columns);
    const width = Math.max(1, Math.floor((widthPx - (columns - 1) * GAP_PX) / columns));
    if (columns > 1 && width < LEAST_WIDTH_PX) break;
    const height = Math.max(1, Math.floor((heightPx - (rows - 1) * GAP_PX) / rows));
    const score = Math.min(width, height / aspect) * (count / (rows * columns));
    if (score > best.score * 1.001) best = { columns, rows, width, height, score };
  }
  const { columns, rows, width, height } = best;
  return { columns, rows, width, height };
}
