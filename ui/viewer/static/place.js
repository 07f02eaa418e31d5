// A part of the image that Python wants looked at: where to look from, and its outline.

const SVG = "http://www.w3.org/2000/svg";
const SHARE = 0.5; // of the view that the place fills
const LARGEST_ZOOM = 4; // a place of one pixel is shown with its surroundings
const MARGIN_PX = 3;

/**
 * The view {row, col, zoom} of a place {row, column, height_px, width_px} in so many CSS pixels.
 */
export function viewOfPlace(place, widthPx, heightPx) {
  const zoom = SHARE * Math.min(widthPx / Math.max(1, place.width_px), heightPx / Math.max(1, place.height_px));
  return { row: place.row + place.height_px / 2, col: place.column + place.width_px / 2, zoom: Math.min(LARGEST_ZOOM, zoom) };
}

export function svgShape(tag, className) {
  const element = document.createElementNS(SVG, tag);
  element.setAttribute("class", className);
  return element;
}

/** The outline of a place, to be put into an SVG that covers the canvas. */
export class PlaceFrame {
  constructor() {
    this.lines = [svgShape("rect", "under"), svgShape("rect", "over focus")];
    this.target = null;
  }

  /** @param target the place, or null; @param view see geometry.js */
  show(target, view) {
    this.target = target;
    this.draw(view);
  }

  draw(view) {
    const { target } = this;
    const ratio = window.devicePixelRatio || 1;
    for (const rect of this.lines) {
      rect.style.display = view && target ? "" : "none";
      if (!view || !target) continue;
      const scale = view.scale / ratio;
      rect.setAttribute("x", (target.column - view.x0) * scale - MARGIN_PX);
      rect.setAttribute("y", (target.row - view.y0) * scale - MARGIN_PX);
      rect.setAttribute("width", target.width_px * scale + 2 * MARGIN_PX);
      rect.setAttribute("height", target.height_px * scale + 2 * MARGIN_PX);
      rect.setAttribute("rx", 4);
    }
  }
}
