// What each tool does to the label map. Strokes are painted as they come; work on objects and regions is done one after the
// other, and each is one step of undo.

import { messageOf } from "../problem.js";
import { objectAt, TooLarge, windowOf, without } from "./objects.js";
import { grown, shrunk, smoothed } from "./outlines.js";
import { LEAVE, tileOf } from "./paint_tiles.js";
import { box, cut, polygon } from "./shapes.js";
import { Stroke } from "./stroke.js";

/** @import { GreyTiles } from "./grey_tiles.js" */
/** @import { History, UndoStep } from "./history.js" */
/** @import { FoundObject } from "./objects.js" */
/** @import { PaintTiles, Rule } from "./paint_tiles.js" */
/** @import { Point } from "./shapes.js" */

/**
 * @typedef {object} EditorOptions
 * @property {PaintTiles} tiles
 * @property {GreyTiles} grey
 * @property {History} history
 * @property {{id: number, name: string}[]} classes
 * @property {EditorEvents} events
 */

/**
 * @typedef {object} EditorEvents
 * @property {(step: Step) => void} onStep after each step, undo and redo
 * @property {(text: string) => void} onTrouble
 * @property {(busy: boolean) => void} onBusy
 */

/**
 * What was done, for the server's notes.
 * @typedef {{tool: string, class_id: number | null}} Step
 */

/**
 * What somebody has chosen.
 * @typedef {object} Choice
 * @property {string} tool
 * @property {number} classId
 * @property {number} size diameter of a brush in image pixels
 * @property {number} step pixels by which outlines are changed
 * @property {"edges" | "similar"} smart what the smart brush stops at
 * @property {number} tolerance grey values
 * @property {0 | 1} mark whether a region is said to be right, or not yet
 */

const MOST_REGION_TILES = 100; // 26 million pixels

export class Editor {
  /** @type {Record<string, (object: FoundObject, step: UndoStep) => unknown>} */
  objectActions = {
    fill: (object, step) => this.fill(object, step), replace: (object, step) => this.fill(object, step),
    delete: (object, step) => this.remove(object, step), grow: (object, step) => this.grow(object, step),
    shrink: (object, step) => this.shrink(object, step), smooth: (object, step) => this.smooth(object, step),
  };

  /**
   * @param {EditorOptions} options tiles (PaintTiles), grey (GreyTiles), history (History), classes [{id, name}]
   *   events: onStep({tool, class_id}) after each step, undo and redo; onTrouble(text); onBusy(busy)
   */
  constructor({ tiles, grey, history, classes, events }) {
    this.tiles = tiles;
    this.grey = grey;
    this.history = history;
    this.classes = classes;
    this.events = events;
    this.locked = new Uint8Array(256);
    /** @type {Choice} */
    this.choice = { tool: "brush", classId: classes[0]?.id ?? 1, size: 30, step: 2, smart: "edges", tolerance: 12, mark: 1 };
    /** @type {Promise<void>} */
    this.work = Promise.resolve();
    this.busy = 0;
  }

  /**
   * What painting with the chosen tool writes.
   * @param {number} label
   * @returns {Rule}
   */
  rule(label) {
    return { label, cover: 1, locked: this.locked };
  }

  /** @param {number} id */
  nameOf(id) {
    return id === 0 ? "Background" : this.classes.find((item) => item.id === id)?.name ?? `class ${id}`;
  }

  /**
   * @param {string} name
   * @returns {UndoStep}
   */
  newStep(name) {
    return { name, tiles: new Map() };
  }

  /** A stroke of brush, eraser or smart brush. */
  beginStroke() {
    const { tool, classId } = this.choice;
    return new Stroke(this, tool, this.rule(tool === "eraser" ? 0 : classId));
  }

  /**
   * A step is complete.
   * @param {UndoStep} step
   * @param {string} tool
   * @param {number | null} classId
   */
  close(step, tool, classId) {
    if (this.history.push(step)) this.events.onStep({ tool, class_id: classId });
  }

  /**
   * Do one thing after the other; what goes wrong is told and leaves no half step behind.
   * @param {string} tool
   * @param {number | null} classId
   * @param {(step: UndoStep) => Promise<unknown>} action
   */
  run(tool, classId, action) {
    const step = this.newStep(tool);
    this.setBusy(1);
    this.work = this.work.then(async () => {
      try {
        await action(step);
      } catch (error) {
        this.tiles.replay(step, true);
        step.tiles.clear();
        this.events.onTrouble(error instanceof TooLarge ? error.message : `Editing failed: ${messageOf(error)} Nothing was changed.`);
      } finally {
        this.close(step, tool, classId);
        this.setBusy(-1);
      }
    });
    return this.work;
  }

  /** @param {1 | -1} change */
  setBusy(change) {
    this.busy += change;
    this.events.onBusy(this.busy > 0);
  }

  undo() {
    return this.travel(true);
  }

  redo() {
    return this.travel(false);
  }

  /** @param {boolean} undo */
  travel(undo) {
    this.setBusy(1);
    this.work = this.work.then(async () => {
      const step = (undo ? this.history.past : this.history.future).at(-1);
      try {
        if (!step) return;
        await this.tiles.ensure([...step.tiles.keys()].map(tileOf));
        this.history.take(undo);
        this.tiles.replay(step, undo);
        this.events.onStep({ tool: undo ? "undo" : "redo", class_id: null });
      } catch (error) {
        this.events.onTrouble(`${undo ? "Undo" : "Redo"} failed because pixels cannot be loaded: ${messageOf(error)}`);
      } finally {
        this.setBusy(-1);
      }
    });
    return this.work;
  }

  // --- regions

  /**
   * Paint (or confirm) the inside of an outline, or the box between two corners.
   * @param {string} tool
   * @param {Point[]} points the outline, or two corners
   */
  region(tool, points) {
    const { size } = this.tiles;
    const patch = tool === "rightBox" ? box(points[0], points[points.length - 1], size) : polygon(points, size);
    const confirms = tool === "rightBox" || tool === "rightLasso";
    const { classId, mark } = this.choice;
    const rule = confirms ? { label: LEAVE, cover: mark, locked: this.locked } : this.rule(classId);
    return this.run(tool, confirms ? null : classId, async (step) => {
      const under = this.tiles.under(patch);
      if (under.length > MOST_REGION_TILES) {
        throw new TooLarge(`This region spans ${under.length} tiles of ${this.tiles.tilePx} px, more than ${MOST_REGION_TILES}. Draw a smaller region${confirms ? ", or confirm the whole image" : ""}.`);
      }
      await this.tiles.ensure(under);
      this.tiles.paint(patch, rule, step);
    });
  }

  /**
   * @param {Point} a
   * @param {Point} b
   */
  split(a, b) {
    const patch = cut(a, b, this.tiles.size);
    return this.run("split", 0, async (step) => {
      await this.tiles.ensure(this.tiles.under(patch));
      const labels = this.tiles.read(patch);
      const label = mostFrequent(labels, patch.mask);
      if (label === null) throw new TooLarge("No object under this line.");
      this.refuseLocked(label);
      this.tiles.paint({ ...patch, mask: patch.mask.map((value, i) => (value && labels[i] === label ? 1 : 0)) }, this.rule(0), step);
    });
  }

  // --- objects

  /**
   * A click of one of the object tools.
   * @param {string} tool
   * @param {number} row
   * @param {number} col
   */
  click(tool, row, col) {
    const action = this.objectActions[tool];
    if (!action) return Promise.resolve();
    const target = tool === "fill" || tool === "replace" ? this.choice.classId : null;
    return this.run(tool, target, async (step) => {
      const object = await objectAt(this.tiles, row, col, { corners: tool !== "fill" });
      if (object.label === 0 && tool !== "fill") throw new TooLarge("No object here, only background.");
      this.refuseLocked(object.label);
      await action(object, step);
    });
  }

  /** @param {number} label */
  refuseLocked(label) {
    if (this.locked[label]) throw new TooLarge(`${this.nameOf(label)} is locked. Unlock it in the class list first.`);
  }

  /**
   * @param {FoundObject} object
   * @param {UndoStep} step
   */
  fill(object, step) {
    for (const { patch } of object.parts) this.tiles.paint(patch, this.rule(this.choice.classId), step);
  }

  /**
   * @param {FoundObject} object
   * @param {UndoStep} step
   */
  remove(object, step) {
    for (const { patch } of object.parts) this.tiles.paint(patch, this.rule(0), step);
  }

  /** @param {FoundObject} object */
  async frame(object) {
    const frame = windowOf(object, this.choice.step + 2, this.tiles.size);
    await this.tiles.ensure(this.tiles.under(frame));
    return frame;
  }

  /**
   * @param {FoundObject} object
   * @param {UndoStep} step
   */
  async grow(object, step) {
    const frame = await this.frame(object);
    const more = grown(frame.mask, frame.height, frame.width, this.choice.step);
    this.tiles.paint(without(frame, more, frame.mask), this.rule(object.label), step);
  }

  /**
   * @param {FoundObject} object
   * @param {UndoStep} step
   */
  async shrink(object, step) {
    const frame = await this.frame(object);
    const less = shrunk(frame.mask, frame.height, frame.width, this.choice.step);
    this.tiles.paint(without(frame, frame.mask, less), this.rule(0), step);
  }

  /**
   * @param {FoundObject} object
   * @param {UndoStep} step
   */
  async smooth(object, step) {
    const frame = await this.frame(object);
    const smooth = smoothed(frame.mask, frame.height, frame.width, this.choice.step + 1);
    this.tiles.paint(without(frame, frame.mask, smooth), this.rule(0), step);
    this.tiles.paint(without(frame, smooth, frame.mask), this.rule(object.label), step);
  }
}

/**
 * The id that most pixels of a mask have, background left out; null where there is none.
 * @param {Uint8Array} labels
 * @param {Uint8Array} mask
 * @returns {number | null}
 */
function mostFrequent(labels, mask) {
  const counts = new Uint32Array(256);
  for (let i = 0; i < labels.length; i += 1) if (mask[i]) counts[labels[i]] += 1;
  counts[0] = 0;
  counts[255] = 0;
  const most = counts.reduce((best, n, id) => (n > counts[best] ? id : best), 0);
  return most === 0 ? null : most;
}
