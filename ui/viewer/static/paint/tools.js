// The tools: names, keys, icons, and what each needs. One row per tool; the tool bar, the keys, the help sheet and the
// pointer all read this table.

/** @import { PaintIconName } from "./paint_icons.js" */

/**
 * @typedef {object} Tool
 * @property {string} name
 * @property {string} key of the keyboard
 * @property {PaintIconName} icon
 * @property {string} title
 * @property {Gesture | null} gesture null: the viewer's own
 * @property {number} group in the tool bar
 * @property {boolean} [sized] has a diameter
 * @property {boolean} [stepped] changes outlines by so many pixels
 * @property {boolean} [confirms] says that a region is right
 */

/**
 * What the hand does: press and drag; drag around; click by click; click; click one, then others; draw a line; draw a box.
 * @typedef {"stroke" | "outline" | "points" | "click" | "several" | "line" | "box"} Gesture
 */

/** @type {Tool[]} */
export const TOOLS = [
  { name: "hand", key: "v", icon: "hand", title: "Move the image", gesture: null, group: 0 },
  { name: "brush", key: "b", icon: "brush", title: "Brush", gesture: "stroke", group: 1, sized: true },
  { name: "eraser", key: "e", icon: "eraser", title: "Eraser: to background", gesture: "stroke", group: 1, sized: true },
  { name: "smart", key: "w", icon: "smart", title: "Smart brush: stops at edges", gesture: "stroke", group: 1, sized: true },
  { name: "lasso", key: "l", icon: "lasso", title: "Lasso: fill the outlined area", gesture: "outline", group: 2 },
  { name: "polygon", key: "g", icon: "polygon", title: "Polygon: click corners, Enter closes", gesture: "points", group: 2 },
  { name: "fill", key: "f", icon: "bucket", title: "Fill an area or a closed outline", gesture: "click", group: 2 },
  { name: "replace", key: "r", icon: "replace", title: "Assign an object to the selected class", gesture: "click", group: 3 },
  { name: "delete", key: "x", icon: "trash", title: "Delete an object", gesture: "click", group: 3 },
  { name: "grow", key: ".", icon: "grow", title: "Grow an object", gesture: "click", group: 3, stepped: true },
  { name: "shrink", key: ",", icon: "shrink", title: "Shrink an object", gesture: "click", group: 3, stepped: true },
  { name: "smooth", key: "t", icon: "smooth", title: "Smooth an object's outline", gesture: "click", group: 3, stepped: true },
  { name: "split", key: "s", icon: "split", title: "Split an object: drag a line across it", gesture: "line", group: 3 },
  { name: "merge", key: "a", icon: "merge", title: "Merge objects: click one, then the others", gesture: "several", group: 3 },
  { name: "pick", key: "k", icon: "pick", title: "Pick the class under the pointer", gesture: "click", group: 4 },
  { name: "rightBox", key: "q", icon: "rightBox", title: "Confirm region: rectangle", gesture: "box", group: 5, confirms: true },
  { name: "rightLasso", key: "j", icon: "rightLasso", title: "Confirm region: lasso", gesture: "outline", group: 5, confirms: true },
];

/** @type {Record<string, Tool>} */
export const TOOL = Object.fromEntries(TOOLS.map((tool) => [tool.name, tool]));

/** @typedef {[least: number, most: number]} Range */

/** @type {Range} */
export const SIZE_RANGE = [1, 500]; // diameter of a brush in image pixels
/** @type {Range} */
export const STEP_RANGE = [1, 20]; // pixels by which outlines are changed
/** @type {Range} */
export const TOLERANCE_RANGE = [1, 80]; // grey values of 0 to 255

const LEAST_ON_SCREEN = 3; // CSS pixels: a smaller brush cannot be seen
const LEAST_ZOOM = 0.1; // CSS pixels per image pixel, for every tool

/**
 * Why a tool is of no use at a zoom (CSS pixels per image pixel), or "".
 * @param {Tool} tool
 * @param {number} zoom
 * @param {number} sizePx
 */
export function tooFarOut(tool, zoom, sizePx) {
  if (!tool.gesture || tool.name === "pick") return "";
  if (zoom < LEAST_ZOOM) return "Zoom in to paint: single pixels are not visible at this zoom.";
  if (tool.sized && sizePx * zoom < LEAST_ON_SCREEN) return "Zoom in to paint, or use a larger brush: this brush is not visible at this zoom.";
  return "";
}

/**
 * The next size up or down: steps of about a fifth, whole pixels.
 * @param {number} sizePx
 * @param {boolean} up
 */
export function nextSize(sizePx, up) {
  const next = up ? Math.max(sizePx + 1, Math.round(sizePx * 1.2)) : Math.min(sizePx - 1, Math.round(sizePx / 1.2));
  return Math.min(SIZE_RANGE[1], Math.max(SIZE_RANGE[0], next));
}
