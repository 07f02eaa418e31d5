// The scale bar: a round length that fits, in the unit that reads best. Pure, apart from `ScaleBar`.

import { h } from "./dom.js";

const STEPS = [1, 2, 5];

/**
 * The largest 1-2-5 number that is not above `limit`.
 * @param {number} limit
 */
export function niceBelow(limit) {
  const power = 10 ** Math.floor(Math.log10(limit) + 1e-9);
  const step = STEPS.filter((s) => s * power <= limit * (1 + 1e-9)).pop() ?? 1;
  return step * power;
}

/**
 * Nanometres in words: nm below 1 µm, µm below 1 mm, else mm.
 * @param {number} nm
 */
export function lengthText(nm) {
  if (nm < 1000) return `${trim(nm)} nm`;
  return nm < 1e6 ? `${trim(nm / 1000)} µm` : `${trim(nm / 1e6)} mm`;
}

/**
 * Length and label of a scale bar.
 * @param {number} cssPxPerImagePx zoom
 * @param {number | null} pixelSizeNm null where unknown: then the bar is in pixels
 * @param {number} maxCssPx the room there is
 */
export function scaleBar(cssPxPerImagePx, pixelSizeNm, maxCssPx = 160) {
  if (pixelSizeNm) {
    const nm = niceBelow((maxCssPx / cssPxPerImagePx) * pixelSizeNm);
    return { widthPx: (nm / pixelSizeNm) * cssPxPerImagePx, label: lengthText(nm) };
  }
  const px = Math.max(1, niceBelow(maxCssPx / cssPxPerImagePx));
  return { widthPx: px * cssPxPerImagePx, label: `${px.toLocaleString("en")} px` };
}

/** @param {number} value */
function trim(value) {
  return String(Number(value.toPrecision(6)));
}

/** The bar on the image. */
export class ScaleBar {
  constructor() {
    this.label = h("span", { class: "scale-label" });
    this.bar = h("span", { class: "scale-line" });
    this.element = h("div", { class: "scale", role: "img" }, this.label, this.bar);
  }

  /**
   * @param {number} cssPxPerImagePx
   * @param {number | null} pixelSizeNm
   */
  update(cssPxPerImagePx, pixelSizeNm) {
    const { widthPx, label } = scaleBar(cssPxPerImagePx, pixelSizeNm);
    this.bar.style.width = `${widthPx.toFixed(1)}px`;
    if (this.label.textContent !== label) {
      this.label.textContent = label;
      this.element.setAttribute("aria-label", `Scale bar: ${label}`);
    }
  }
}
