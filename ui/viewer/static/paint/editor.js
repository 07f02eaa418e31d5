// What each tool does to the label map. Strokes are painted as they come; work on objects and regions is done one after the
// other, and each is one step of undo.

import { messageOf, Problem } from "../problem.js";
import { objectAt, TooLarge, windowOf, without } from "./objects.js";
import { grown, shrunk, smoothed } from "./outlines.js";
import { LEAVE, tileOf } from "./paint_tiles.js";
import { paintedWindow, settle } from "./settle.js";
import { box, polygon } from "./shapes.js";
import { Stroke } from "./stroke.js";

/** @import { ObjectAnswer, ObjectRequest } from "../messages.js" */
/** @import { GreyTiles } from "./grey_tiles.js" */
/** @import { History, UndoStep } from "./history.js" */
/** @import { FoundObject } from "./objects.js" */
/** @import { ObjectIds } from "./object_ids.js" */
/** @import { PaintTile, PaintTiles, Rule } from "./paint_tiles.js" */
/** @import { Cut } from "./settle.js" */
/** @import { Point } from "./shapes.js" */

/**
 * @typedef {object} EditorOptions
 * @property {PaintTiles} tiles
 * @property {GreyTiles} grey
 * @property {History} history
 * @property {{id: number, name: string}[]} classes
 * @property {ObjectIds} [objects] without it, pixels have no ids
 * @property {EditorEvents} events
 */

/**
 * @typedef {object} EditorEvents
 * @property {(step: Step) => void} onStep after each step, undo and redo
 * @property {(text: string) => void} onTrouble
 * @property {(busy: boolean) => void} onBusy
 * @property {(request: ObjectRequest) => Promise<ObjectAnswer>} [onObjects] save what is painted, then ask what an edit of objects changes
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
 * @property {boolean} alone whether the next stroke is a new object, whatever it touches
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
  constructor({ tiles, grey, history, classes, objects, events }) {
    this.tiles = tiles;
    this.grey = grey;
    this.history = history;
    this.classes = classes;
    this.objects = objects ?? null;
    this.events = events;
    this.locked = new Uint8Array(256);
    /** @type {Choice} */
    this.choice = { tool: "brush", classId: classes[0]?.id ?? 1, size: 30, step: 2, smart: "edges", tolerance: 12, alone: false, mark: 1 };
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
   * A step is complete: painted pixels get their objects, then it can be undone and is saved.
   * @param {UndoStep} step
   * @param {string} tool
   * @param {number | null} classId
   */
  close(step, tool, classId) {
    const { objects, choice } = this;
    const alone = choice.alone && classId !== null && classId !== 0;
    const done = () => { if (this.history.push(step)) this.events.onStep({ tool, class_id: classId }); };
    if (!objects || step.ids || !step.tiles.size || !(objects.any || alone)) {
      done();
      return;
    }
    if (alone) choice.alone = false;
    const window = paintedWindow(this.tiles, step);
    const places = window ? this.tiles.under(window) : [];
    if (window && objects.next && this.tiles.haveIds(places)) {
      /** @type {Cut[]} */
      let cuts = [];
      try {
        cuts = settle(this.tiles, step, window, objects, alone);
      } catch (error) {
        this.events.onTrouble(`This stroke has no object id: ${messageOf(error)}`);
      }
      this.part(step, cuts, done);
    } else if (window) {
      this.later(() => this.settleLate(step, alone, done));
    } else {
      done();
    }
  }

  /**
   * Give painted pixels their objects as soon as the ids around them are here.
   * @param {UndoStep} step
   * @param {boolean} alone
   * @param {() => void} done
   */
  async settleLate(step, alone, done) {
    const { objects, tiles } = this;
    try {
      const window = paintedWindow(tiles, step);
      if (!window || !objects) return;
      await objects.ready();
      await tiles.ensureIds(tiles.under(window));
      await this.parts(step, settle(tiles, step, window, objects, alone));
    } catch (error) {
      this.events.onTrouble(`The objects under this stroke cannot be loaded: ${messageOf(error)} They are worked out when you submit.`);
    } finally {
      done();
    }
  }

  /**
   * @param {UndoStep} step
   * @param {Cut[]} cuts
   * @param {() => void} done
   */
  part(step, cuts, done) {
    if (!cuts.length) done();
    else this.later(() => this.parts(step, cuts).finally(done));
  }

  /**
   * Objects that have fallen apart: the largest part keeps the id.
   * @param {UndoStep} step
   * @param {Cut[]} cuts
   */
  async parts(step, cuts) {
    const { objects, tiles } = this;
    if (!objects) return;
    for (const { seeds } of cuts) {
      /** @type {FoundObject[]} */
      const parts = [];
      try {
        for (const [row, col] of seeds) {
          if (!parts.some((part) => isIn(part, row, col))) parts.push(await objectAt(tiles, row, col, { byId: true }));
        }
      } catch (error) {
        if (!(error instanceof TooLarge)) throw error;
        continue; // it stays one object
      }
      parts.sort((a, b) => b.pixels - a.pixels);
      for (const part of parts.slice(1)) this.renumber(part, objects.fresh(), step);
    }
  }

  /**
   * @param {FoundObject} part
   * @param {number} id
   * @param {UndoStep} step
   */
  renumber(part, id, step) {
    for (const { tile, patch } of part.parts) {
      this.tiles.setIds(tile, step, (set) => {
        for (let i = 0; i < patch.mask.length; i += 1) if (patch.mask[i]) set(i, i + 1, id);
      });
    }
  }

  /**
   * Do something once everything before it is done.
   * @param {() => Promise<void>} action
   */
  later(action) {
    this.setBusy(1);
    this.work = this.work.then(action)
      .catch((error) => this.events.onTrouble(`Objects could not be worked out: ${messageOf(error)}`))
      .finally(() => this.setBusy(-1));
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
        step.ids?.clear();
        this.events.onTrouble(refusalOf(error) ?? `Editing failed: ${messageOf(error)} Nothing was changed.`);
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
        await this.tiles.ensureIds([...(step.ids?.keys() ?? [])].map(tileOf));
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

  // --- objects

  /**
   * Cut the object under a line in two; no pixel is lost. Whether it was cut; if not, the reason is told.
   * @param {Point[]} line two points or more
   */
  splitObject(line) {
    return this.editObjects({ action: "split", line: line.map(({ row, col }) => [row, col]) });
  }

  /**
   * Make one object of those at some points. Whether that was done; if not, the reason is told.
   * @param {Point[]} points one in each object
   */
  mergeObjects(points) {
    return this.editObjects({ action: "merge", points: points.map(({ row, col }) => [Math.floor(row), Math.floor(col)]) });
  }

  /**
   * Delete the object at a point, all parts of it.
   * @param {Point} point
   */
  deleteObject({ row, col }) {
    return this.editObjects({ action: "delete", point: [Math.floor(row), Math.floor(col)] });
  }

  /**
   * Answer a question "one or two?". Whether that was done; if not, the reason is told.
   * @param {number} question
   * @param {"one" | "two"} answer
   */
  answerQuestion(question, answer) {
    return this.editObjects({ action: "answer", question, answer });
  }

  /**
   * One step of undo that the server works out.
   * @param {ObjectRequest} request
   * @returns {Promise<boolean>}
   */
  async editObjects(request) {
    let applied = false;
    await this.run(request.action, null, async (step) => {
      const { onObjects } = this.events;
      if (!onObjects || !this.objects) throw new TooLarge("The draft is not open.");
      const answer = await onObjects(request);
      this.refuseLocked(answer.class_id);
      this.objects.note(answer.class_id, answer.objects);
      await this.tiles.ensureIds(answer.tiles.map(({ row, column }) => [row, column]));
      step.ids = new Map();
      for (const { row, column, runs } of answer.tiles) {
        const tile = this.tiles.peek(row, column);
        if (!tile) throw new Error(`Tile ${row}, ${column} is not here.`);
        this.apply(tile, runs, answer.label, step);
      }
      applied = true;
    });
    return applied;
  }

  /**
   * Write what an edit changes in one tile. Its pixels are confirmed.
   * @param {PaintTile} tile
   * @param {number[]} runs first pixel, number of pixels, id
   * @param {number | null} label
   * @param {UndoStep} step
   */
  apply(tile, runs, label, step) {
    const patch = { row: tile.row * this.tiles.tilePx, col: tile.col * this.tiles.tilePx, height: tile.height, width: tile.width,
      mask: new Uint8Array(tile.height * tile.width) };
    for (let n = 0; n < runs.length; n += 3) patch.mask.fill(1, runs[n], runs[n] + runs[n + 1]);
    this.tiles.paintTile(tile, patch, { label: label ?? LEAVE, cover: 1, locked: this.locked }, step);
    this.tiles.setIds(tile, step, (set) => {
      for (let n = 0; n < runs.length; n += 3) set(runs[n], runs[n] + runs[n + 1], runs[n + 2]);
    });
  }

  /**
   * A click of one of the object tools.
   * @param {string} tool
   * @param {number} row
   * @param {number} col
   */
  click(tool, row, col) {
    if (tool === "delete" && this.objects?.any) return this.deleteObject({ row, col });
    const action = this.objectActions[tool];
    if (!action) return Promise.resolve();
    const target = tool === "fill" || tool === "replace" ? this.choice.classId : null;
    return this.run(tool, target, async (step) => {
      const object = await objectAt(this.tiles, row, col, { corners: tool !== "fill", byId: tool !== "fill" && Boolean(this.objects?.any) });
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
 * Why something was not done, where that is said for the user; else null.
 * @param {unknown} error
 */
function refusalOf(error) {
  if (error instanceof TooLarge) return error.message;
  return error instanceof Problem && error.status === 400 ? `${error.message} ${error.remedy}` : null;
}

/**
 * Whether a pixel of the image belongs to an object that was found.
 * @param {FoundObject} object
 * @param {number} row
 * @param {number} col
 */
function isIn(object, row, col) {
  return object.parts.some(({ patch }) => {
    const y = row - patch.row;
    const x = col - patch.col;
    return y >= 0 && x >= 0 && y < patch.height && x < patch.width && patch.mask[y * patch.width + x] === 1;
  });
}
