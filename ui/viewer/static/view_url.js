// Where the viewer looks, kept in the page's address (#view=row,col,zoom@image) so that a copied link opens the same
// place, and in memory so that a page that is left and entered again does too. Row and column are of the view's centre,
// zoom is CSS pixels per image pixel.

/** @typedef {{row: number, col: number, zoom: number, image: string}} LinkedView */

/** @type {Map<string, LinkedView>} */
const remembered = new Map();
/** @type {Map<string, number>} */
const open = new Map(); // how many viewers keep the view of an image in the address

/**
 * "#view=1204.5,880,0.5@abc" as {row, col, zoom, image}, or null.
 * @param {string} hash
 * @returns {LinkedView | null}
 */
export function parseView(hash) {
  const match = /(?:^#|[#&])view=(-?[\d.]+),(-?[\d.]+),([\d.]+)@([^&]+)/.exec(hash);
  if (!match) return null;
  const [row, col, zoom] = match.slice(1, 4).map(Number);
  if (![row, col, zoom].every(Number.isFinite) || zoom <= 0) return null;
  return { row, col, zoom, image: decodeURIComponent(match[4]) };
}

/** @param {LinkedView} view */
export function formatView(view) {
  const { row, col, zoom, image } = view;
  return `#view=${round(row, 1)},${round(col, 1)},${Number(zoom.toPrecision(4))}@${encodeURIComponent(image)}`;
}

/**
 * The view of an image: from the address where `inUrl`, else as it was last.
 * @param {string} key
 * @param {string} image
 * @param {boolean} inUrl
 */
export function recallView(key, image, inUrl) {
  const linked = inUrl ? parseView(window.location.hash) : null;
  return linked?.image === image ? linked : (remembered.get(`${key}@${image}`) ?? null);
}

/**
 * @param {string} key
 * @param {LinkedView} view
 * @param {boolean} inUrl
 */
export function keepView(key, view, inUrl) {
  remembered.set(`${key}@${view.image}`, view);
  const hash = formatView(view);
  if (inUrl && window.location.hash !== hash) window.history.replaceState(window.history.state, "", hash);
}

/**
 * A viewer keeps the view of an image in the address from now on.
 * @param {string} image
 */
export function enterView(image) {
  open.set(image, (open.get(image) ?? 0) + 1);
}

/**
 * It does so no more: with the last one the view goes from the address, which is that of something else by now.
 * @param {string} image
 */
export function leaveView(image) {
  const left = (open.get(image) ?? 1) - 1;
  if (left > 0) {
    open.set(image, left);
    return;
  }
  open.delete(image);
  if (parseView(window.location.hash)?.image !== image) return;
  window.history.replaceState(window.history.state, "", window.location.pathname + window.location.search);
}

/**
 * @param {number} value
 * @param {number} digits
 */
function round(value, digits) {
  return Number(value.toFixed(digits));
}
