// The line over a scale bar: drawn above the image, with an end at each side that can be dragged or moved by keys.

import { h } from "../dom.js";
import { svgShape } from "../place.js";

/** @import { View } from "../geometry.js" */
/** @import { Line } from "./lengths.js" */

/**
 * @typedef {object} LineEvents
 * @property {(end: LineEnd, rows: number, cols: number) => void} onNudge
 * @property {(end: LineEnd, event: PointerEvent) => void} onGrab
 */

/** @typedef {0 | 1} LineEnd */

const TICK_PX = 9;
/** @type {Record<string, [rows: number, cols: number]>} */
const MOVES = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class ScaleLine {
  /** @param {LineEvents} events */
  constructor(events) {
    this.strokes = [svgShape("path", "under"), svgShape("path", "over")];
    this.svg = svgShape("svg", "scale-svg");
    this.svg.append(...this.strokes);
    this.ends = [this.makeEnd(0, events), this.makeEnd(1, events)];
    this.element = h("div", { class: "scale-layer" }, this.svg, this.ends);
  }

  /**
   * @param {LineEnd} end
   * @param {LineEvents} events
   */
  makeEnd(end, events) {
    /** @param {KeyboardEvent} event */
    const step = (event) => (event.shiftKey ? 10 : event.altKey ? 0.1 : 1);
    return h("button", {
      type: "button", class: "scale-end", "data-own-keys": "", hidden: true,
      onpointerdown: (event) => events.onGrab(end, event),
      onkeydown: (event) => {
        const move = MOVES[event.key];
        if (!move) return;
        event.preventDefault();
        event.stopPropagation();
        events.onNudge(end, move[0] * step(event), move[1] * step(event));
      },
    });
  }

  /**
   * @param {Line | null} line
   * @param {View | null} view
   */
  draw(line, view) {
    const shown = line !== null && view !== null && Number.isFinite(view.scale * view.x0); // no size yet: no place on the screen
    this.svg.style.display = shown ? "" : "none";
    for (const button of this.ends) button.hidden = !shown;
    if (!shown) return;
    const scale = view.scale / (window.devicePixelRatio || 1);
    /**
     * @param {number} row
     * @param {number} col
     */
    const at = (row, col) => [(col - view.x0) * scale, (row - view.y0) * scale];
    const [x0, y0] = at(line.row0, line.col0);
    const [x1, y1] = at(line.row1, line.col1);
    const length = Math.hypot(x1 - x0, y1 - y0) || 1;
    const [tx, ty] = [(-(y1 - y0) / length) * TICK_PX, ((x1 - x0) / length) * TICK_PX];
    /**
     * @param {number} x
     * @param {number} y
     */
    const tick = (x, y) => `M${x - tx} ${y - ty}L${x + tx} ${y + ty}`;
    const path = `M${x0} ${y0}L${x1} ${y1}${tick(x0, y0)}${tick(x1, y1)}`;
    for (const stroke of this.strokes) stroke.setAttribute("d", path);
    [[x0, y0, line.row0, line.col0], [x1, y1, line.row1, line.col1]].forEach(([x, y, row, col], end) => {
      this.ends[end].style.transform = `translate(${x}px, ${y}px)`;
      this.ends[end].setAttribute("aria-label", `${end ? "Second" : "First"} end of the line: row ${row.toFixed(1)}, column ${col.toFixed(1)}. Arrow keys move it.`);
    });
  }
}
