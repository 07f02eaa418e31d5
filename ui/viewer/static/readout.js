// Follows the pointer: position, grey value, class and confidence under it.

import { debounce } from "./dom.js";
import { isAbort } from "./problem.js";

/** @import { EmViewer } from "./em_viewer.js" */
/** @import { PixelAnswer } from "./messages.js" */
/** @import { StatusLine } from "./status_line.js" */

/**
 * An image pixel.
 * @typedef {{row: number, col: number}} Pixel
 */

const PIXEL_WAIT_MS = 70;

export class Readout {
  /**
   * @param {EmViewer} viewer
   * @param {StatusLine} line
   * @param {(id: number | null) => void} onClass called with the class id under the pointer, or null
   */
  constructor(viewer, line, onClass) {
    this.viewer = viewer;
    this.line = line;
    this.onClass = onClass;
    /** @type {Pixel | null} */
    this.point = null;
    /** @type {[number, number] | null} */
    this.last = null; // the pointer's place on the page
    /** @type {string | null} */
    this.pixel = null; // that the server was asked about
    /** @type {AbortController | null} */
    this.asked = null;
    this.ask = debounce(() => this.fetchPixel(), PIXEL_WAIT_MS);
  }

  /**
   * @param {number} clientX
   * @param {number} clientY
   */
  moveTo(clientX, clientY) {
    this.last = [clientX, clientY];
    const { base, image } = this.viewer;
    const point = base?.imagePoint(clientX, clientY);
    if (!point || !image) {
      this.leave();
      return;
    }
    const pixel = `${Math.floor(point.row)},${Math.floor(point.col)}`;
    this.line.setPoint(point, image.pixel_size_nm);
    this.point = { row: Math.floor(point.row), col: Math.floor(point.col) };
    this.showKnown(this.point);
    if (pixel === this.pixel) return;
    this.pixel = pixel;
    this.ask();
  }

  /** The image has moved under a pointer at rest. */
  again() {
    if (this.last && this.point) this.moveTo(...this.last);
  }

  /** The labels have changed under a pointer at rest. */
  refresh() {
    if (this.point) this.showKnown(this.point);
  }

  leave() {
    this.point = this.pixel = null;
    this.ask.cancel();
    this.asked?.abort();
    this.line.clear();
    this.onClass(null);
  }

  /**
   * What the tiles that are here say about the point.
   * @param {Pixel} point
   */
  showKnown(point) {
    this.showClass(this.viewer.labelAt(point.row, point.col));
  }

  /** @param {number | null} id */
  showClass(id) {
    const { classes, safe } = this.viewer;
    const item = classes.find((c) => c.id === id);
    if (item) this.line.setClass(item.name, safe ? item.safe_color : item.color);
    else this.line.setClass(id === 0 ? "background" : null, null);
    this.onClass(item ? id : null);
  }

  async fetchPixel() {
    if (!this.point) return;
    const { row, col } = this.point;
    this.asked?.abort();
    const { signal } = (this.asked = new AbortController());
    try {
      const answers = await Promise.all(this.revisions().map((id) => this.pixelOf(id, row, col, signal)));
      const bodies = answers.filter((answer) => answer !== null);
      if (bodies.length < answers.length) return;
      if (this.point?.row !== row || this.point?.col !== col) return;
      this.line.setGrey(bodies[0].value);
      this.line.setConfidence(bodies[0].label === 255 ? null : bodies[0].confidence);
      this.showExact(bodies[0], bodies[1]);
    } catch (error) {
      if (!isAbort(error)) this.line.setGrey(null);
    }
  }

  /**
   * The maps to ask the server about; the first one's confidence is told.
   * @returns {(string | null | undefined)[]}
   */
  revisions() {
    return [this.viewer.topId];
  }

  /**
   * @param {string | null | undefined} revision
   * @param {number} row
   * @param {number} col
   * @param {AbortSignal} signal
   * @returns {Promise<PixelAnswer | null>}
   */
  async pixelOf(revision, row, col, signal) {
    const { api, image } = this.viewer;
    if (!image) return null;
    const response = await fetch(api.pixel(image.id, row, col, revision), { signal });
    return response.ok ? response.json() : null;
  }

  /**
   * What the server says about the pixel, where tiles are coarser than it.
   * @param {PixelAnswer} pixel
   * @param {PixelAnswer} _second of a second map, where `revisions` names one
   */
  showExact(pixel, _second) {
    const { label } = pixel;
    if (label !== undefined && label !== 255) this.showClass(label);
  }

  close() {
    this.ask.cancel();
    this.asked?.abort();
  }
}
