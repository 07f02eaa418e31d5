// A part of the image that Python wants looked at: where to look from, and its outline.

/** @import { View } from "./geometry.js" */
/** @import { Place } from "./messages.js" */

const SVG = "http://www.w3.org/2000/svg";
const SHARE = 0.5; // of the view that the place fills
const LARGEST_ZOOM = 4; // a place of one pixel is shown with its surroundings
const MARGIN_PX = 3;

/**
 * The view {row, col, zoom} of a place {row, column, height_px, width_px} in so many CSS pixels.
 * @param {Omit<Place, "token">} place
 * @param {number} widthPx CSS pixels
 * @param {number} heightPx CSS pixels
 */
export function viewOfPlace(place, widthPx, heightPx) {
  const zoom = SHARE * Math.min(widthPx / Math.max(1, place.width_px), heightPx / Math.max(1, place.height_px));
  return { row: place.row + place.height_px / 2, col: place.column + place.width_px / 2, zoom: Math.min(LARGEST_ZOOM, zoom) };
}

/**
 * @template {keyof SVGElementTagNameMap} T
 * @param {T} tag
 * @param {string} className
 * @returns {SVGElementTagNameMap[T]}
 */
export function svgShape(tag, className) {
  const element = document.createElementNS(SVG, tag);
  element.setAttribute("class", className);
  return element;
}

/**
 * @param {Element} element
 * @param {Record<string, number>} values attributes
 */
export function setNumbers(element, values) {
  for (const [name, value] of Object.entries(values)) element.setAttribute(name, String(value));
}

/** The outline of a place, to be put into an SVG that covers the canvas. */
export class PlaceFrame {
  constructor() {
    this.lines = [svgShape("rect", "under"), svgShape("rect", "over focus")];
    /** @type {Place | null} */
    this.target = null;
  }

  /**
   * @param {Place | null} target
   * @param {View | null} view
   */
  show(target, view) {
    this.target = target;
    this.draw(view);
  }

  /** @param {View | null} view */
  draw(view) {
    const { target } = this;
    const ratio = window.devicePixelRatio || 1;
    for (const rect of this.lines) {
      rect.style.display = view && target ? "" : "none";
      if (!view || !target) continue;
      const scale = view.scale / ratio;
      setNumbers(rect, {
        x: (target.column - view.x0) * scale - MARGIN_PX, y: (target.row - view.y0) * scale - MARGIN_PX,
        width: target.width_px * scale + 2 * MARGIN_PX, height: target.height_px * scale + 2 * MARGIN_PX, rx: 4,
      });
    }
  }
}
