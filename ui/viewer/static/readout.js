// Follows the pointer: position, grey value, class and confidence under it.

import { debounce } from "./dom.js";

const PIXEL_WAIT_MS = 70;

export class Readout {
  /**
   * @param viewer {image, api, base, overlays, classes, safe}
   * @param line a StatusLine
   * @param onClass called with the class id under the pointer, or null
   */
  constructor(viewer, line, onClass) {
    Object.assign(this, { viewer, line, onClass });
    this.point = null;
    this.asked = null;
    this.ask = debounce(() => this.fetchPixel(), PIXEL_WAIT_MS);
  }

  moveTo(clientX, clientY) {
    this.last = [clientX, clientY];
    const point = this.viewer.base.imagePoint(clientX, clientY);
    if (!point) {
      this.leave();
      return;
    }
    const pixel = `${Math.floor(point.row)},${Math.floor(point.col)}`;
    this.line.setPoint(point, this.viewer.image.pixel_size_nm);
    this.point = { row: Math.floor(point.row), col: Math.floor(point.col) };
    this.showKnown();
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
    if (this.point) this.showKnown();
  }

  leave() {
    this.point = null;
    this.pixel = null;
    this.ask.cancel();
    this.asked?.abort();
    this.line.clear();
    this.onClass(null);
  }

  /** What the tiles that are here say about the point. */
  showKnown() {
    this.showClass(this.viewer.overlays.labelAt(this.point.row, this.point.col));
  }

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
    this.asked = new AbortController();
    try {
      const bodies = await Promise.all(this.revisions().map((id) => this.pixelOf(id, row, col)));
      if (bodies.includes(null)) return;
      if (this.point?.row !== row || this.point?.col !== col) return;
      this.line.setGrey(bodies[0].value);
      this.line.setConfidence(bodies[0].label === 255 ? null : bodies[0].confidence);
      this.showExact(...bodies);
    } catch (error) {
      if (error.name !== "AbortError") this.line.setGrey(null);
    }
  }

  /** The maps to ask the server about; the first one's confidence is told. */
  revisions() {
    return [this.viewer.overlays.topId];
  }

  async pixelOf(revision, row, col) {
    const { api, image } = this.viewer;
    const response = await fetch(api.pixel(image.id, row, col, revision), { signal: this.asked.signal });
    return response.ok ? response.json() : null;
  }

  /** What the server says about the pixel, where tiles are coarser than it. */
  showExact({ label }) {
    if (label !== undefined && label !== 255) this.showClass(label);
  }

  close() {
    this.ask.cancel();
    this.asked?.abort();
  }
}
