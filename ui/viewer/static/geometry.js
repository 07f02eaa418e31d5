// Where tiles lie. Pure functions; "view" is {x0, y0, scale, width, height}: the image column and row at the canvas's
// top left corner, device pixels per image pixel, and the canvas size in device pixels.

/** @typedef {{width_px: number, height_px: number}} ImageSize */

/**
 * What is on a canvas.
 * @typedef {object} View
 * @property {number} x0 image column at the canvas's left edge
 * @property {number} y0 image row at its top edge
 * @property {number} scale device pixels per image pixel
 * @property {number} width of the canvas in device pixels
 * @property {number} height
 */

/**
 * The level whose pixels are nearest to one device pixel; below 0 never, that is `magnification`'s part.
 * @param {number} scale
 * @param {number} levels
 */
export function pickLevel(scale, levels) {
  return Math.min(levels - 1, Math.max(0, Math.round(-Math.log2(scale))));
}

/**
 * Power of two (as exponent) by which full-resolution pixels are magnified for outlines: to 0.5 to 1 device pixels.
 * @param {number} scale
 */
export function magnification(scale) {
  return Math.min(6, Math.max(0, Math.ceil(Math.log2(scale) - 1e-6)));
}

/**
 * Rows and columns of the tiles of `tileSpan` image pixels that a view shows. Ends are exclusive.
 * @param {View} view
 * @param {ImageSize} image
 * @param {number} tileSpan
 */
export function visibleTiles(view, image, tileSpan) {
  /**
   * @param {number} value
   * @param {number} last
   */
  const clamp = (value, last) => Math.min(last, Math.max(0, value));
  const rows = Math.ceil(image.height_px / tileSpan);
  const cols = Math.ceil(image.width_px / tileSpan);
  return {
    row0: clamp(Math.floor(view.y0 / tileSpan), rows),
    row1: clamp(Math.ceil((view.y0 + view.height / view.scale) / tileSpan), rows),
    col0: clamp(Math.floor(view.x0 / tileSpan), cols),
    col1: clamp(Math.ceil((view.x0 + view.width / view.scale) / tileSpan), cols),
  };
}

/**
 * Rectangle of image pixels on the canvas, edges on whole device pixels so that neighbours neither gap nor overlap.
 * @param {View} view
 * @param {number} x
 * @param {number} y
 * @param {number} width
 * @param {number} height
 */
export function onCanvas(view, x, y, width, height) {
  const left = Math.round((x - view.x0) * view.scale);
  const top = Math.round((y - view.y0) * view.scale);
  return {
    left,
    top,
    width: Math.round((x + width - view.x0) * view.scale) - left,
    height: Math.round((y + height - view.y0) * view.scale) - top,
  };
}
