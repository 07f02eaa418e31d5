// One stroke of a brush: painted piece by piece while the pointer moves, one step of undo when it is lifted.

import { messageOf } from "../problem.js";
import { capsule, widened } from "./shapes.js";
import { meanAround, smartMask } from "./smart.js";

/** @import { Editor } from "./editor.js" */
/** @import { Rule } from "./paint_tiles.js" */
/** @import { BrushPoint, Patch } from "./shapes.js" */

/** @typedef {Pick<Editor, "tiles" | "grey" | "choice" | "events" | "newStep" | "run" | "close">} StrokeEditor */

const SEEN_BEYOND = 2; // pixels around a brush that decide how steep its rim is

export class Stroke {
  /**
   * @param {StrokeEditor} editor
   * @param {string} tool
   * @param {Rule} rule
   */
  constructor(editor, tool, rule) {
    this.editor = editor;
    this.tool = tool;
    this.rule = rule;
    this.step = editor.newStep(tool);
    /** @type {Promise<void>[]} */
    this.pending = [];
    /** @type {BrushPoint | null} */
    this.last = null;
    /** @type {number | null} */
    this.reference = null; // grey value at the start, for the smart brush
    /** @type {unknown} */
    this.trouble = null;
    this.cancelled = false;
    this.id = -1; // of the pointer that draws it
  }

  /** @param {BrushPoint} point may lie outside the image */
  moveTo(point) {
    const { last } = this;
    this.last = point;
    if (this.tool === "smart") {
      for (const place of between(last, point)) this.stampSmart(place);
      return;
    }
    this.apply(capsule(last ?? point, point, this.editor.tiles.size));
  }

  /** @param {Patch} patch */
  apply(patch) {
    const { tiles } = this.editor;
    for (const [row, col] of tiles.under(patch)) {
      const tile = tiles.peek(row, col);
      if (tile) tiles.paintTile(tile, patch, this.rule, this.step);
      else this.later(tiles.ensureOne(row, col), (late) => tiles.paintTile(late, patch, this.rule, this.step));
    }
  }

  /**
   * What waits for pixels to be loaded; in order, because each tile comes only once.
   * @template T
   * @param {T | Promise<T>} loading
   * @param {(value: T) => void} action
   */
  later(loading, action) {
    const done = Promise.resolve(loading).then((value) => { if (!this.cancelled) action(value); });
    this.pending.push(done.catch((error) => { this.trouble = error; }));
  }

  /** @param {BrushPoint} point */
  stampSmart(point) {
    const { tiles, grey } = this.editor;
    const patch = widened(capsule(point, point, tiles.size), SEEN_BEYOND, tiles.size);
    if (!patch.height || !patch.width) return;
    const values = grey.read(patch);
    if (values) this.paintSmart(point, patch, values);
    else {
      this.later(grey.ensure(tiles.under(patch)), () => {
        const late = grey.read(patch);
        if (!late) throw new Error("The grey values of the image are not loaded.");
        this.paintSmart(point, patch, late);
      });
    }
  }

  /**
   * @param {BrushPoint} point
   * @param {Patch} patch
   * @param {Uint8Array} values grey values of the patch's window
   */
  paintSmart(point, patch, values) {
    const { smart, tolerance } = this.editor.choice;
    const seed = { row: Math.floor(point.row) - patch.row, col: Math.floor(point.col) - patch.col };
    this.reference ??= meanAround(values, patch.height, patch.width, seed.row, seed.col);
    const mask = smartMask(patch, values, seed, { mode: smart, tolerance, reference: this.reference });
    this.apply({ ...patch, mask });
  }

  /** The pointer was lifted: what could not be painted yet is waited for. */
  async finish() {
    const { editor } = this;
    if (this.pending.length) await editor.run(this.tool, this.rule.label, () => Promise.all(this.pending));
    if (this.trouble) editor.events.onTrouble(`Part of the stroke could not be painted: ${messageOf(this.trouble)}`);
    if (!this.cancelled) editor.close(this.step, this.tool, this.rule.label);
  }

  /** Take everything back, as if it had not been. */
  cancel() {
    this.cancelled = true;
    this.editor.tiles.replay(this.step, true);
    this.editor.events.onStep({ tool: "cancel", class_id: null });
  }
}

/**
 * Places on the way from `a` to `b`, a third of a radius apart, so that the smart brush looks everywhere.
 * @param {BrushPoint | null} a
 * @param {BrushPoint} b
 */
function between(a, b) {
  if (!a) return [b];
  const n = Math.max(1, Math.ceil(Math.hypot(b.row - a.row, b.col - a.col) / Math.max(1, b.radius / 3)));
  return Array.from({ length: n }, (_, i) => {
    const t = (i + 1) / n;
    return { row: a.row + (b.row - a.row) * t, col: a.col + (b.col - a.col) * t, radius: a.radius + (b.radius - a.radius) * t };
  });
}
