// What is under the pointer, in words.

import { h } from "./dom.js";

/** @import { ImageFacts } from "./messages.js" */

/** @type {Record<string, string>} */
const SOURCES = { file: "from the file", user: "entered" };

export class StatusLine {
  constructor() {
    this.where = h("span", { class: "where" });
    this.grey = h("span", { class: "grey" });
    this.what = h("span", { class: "what" });
    this.swatch = h("i", { class: "dot" });
    this.sure = h("span", { class: "sure" });
    this.about = h("span", { class: "about" });
    this.element = h("div", { class: "status-line", role: "status", "aria-live": "off" },
      this.where, this.grey, h("span", { class: "class-under" }, this.swatch, this.what), this.sure, h("span", { class: "space" }), this.about);
    this.clear();
  }

  /** @param {ImageFacts} image */
  setImage(image) {
    const size = `${image.width_px.toLocaleString("en")} × ${image.height_px.toLocaleString("en")} px`;
    const source = SOURCES[image.pixel_size_source] ?? "";
    this.about.textContent = image.pixel_size_nm
      ? `${size} · ${Number(image.pixel_size_nm.toPrecision(4))} nm/px`
      : `${size} · pixel size unknown`;
    this.about.title = image.pixel_size_nm ? `Pixel size ${source}${image.pixel_size_detail ? `: ${image.pixel_size_detail}` : ""}` : "";
  }

  /**
   * @param {{row: number, col: number}} point
   * @param {number | null} pixelSizeNm
   */
  setPoint(point, pixelSizeNm) {
    const { row, col } = point;
    const y = Math.floor(row);
    const x = Math.floor(col);
    const px = `row ${y.toLocaleString("en")}  col ${x.toLocaleString("en")}`;
    this.where.textContent = pixelSizeNm ? `${px}  ·  ${micrometres(y, pixelSizeNm)}, ${micrometres(x, pixelSizeNm)} µm` : px;
  }

  /** @param {number | null} value */
  setGrey(value) {
    this.grey.textContent = value === null ? "" : `grey ${Number.isInteger(value) ? value : Number(value.toPrecision(5))}`;
  }

  /**
   * @param {string | null} name
   * @param {string | null} color
   */
  setClass(name, color) {
    this.what.textContent = name ?? "";
    this.swatch.style.background = color ?? "transparent";
    this.swatch.hidden = !color;
  }

  /** @param {number | null | undefined} value */
  setConfidence(value) {
    this.sure.textContent = value === null || value === undefined ? "" : `confidence ${Math.round((value / 255) * 100)} %`;
  }

  clear() {
    this.where.textContent = "";
    this.setGrey(null);
    this.setClass(null, null);
    this.setConfidence(null);
  }
}

/**
 * @param {number} pixels
 * @param {number} nm
 */
function micrometres(pixels, nm) {
  return ((pixels * nm) / 1000).toFixed(nm < 20 ? 2 : 1);
}

