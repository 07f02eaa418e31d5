// Undo and redo: steps of what was changed, tile by tile (see runs.js).

/** @import { IdRuns } from "./id_runs.js" */
/** @import { Runs } from "./runs.js" */

/**
 * A step of undo: what it has changed, by tiles; `ids`: of objects, where it has changed any.
 * @typedef {{name: string, tiles: Map<string, Runs>, ids?: Map<string, IdRuns>}} UndoStep
 */

const LEAST_STEPS = 200; // kept whatever they weigh
const ROOM_BYTES = 96 * 2 ** 20; // more steps are kept while all of them together weigh less

export class History {
  /** @param {{leastSteps?: number, roomBytes?: number}} [options] steps that are kept whatever they weigh, bytes up to which more are */
  constructor({ leastSteps = LEAST_STEPS, roomBytes = ROOM_BYTES } = {}) {
    this.leastSteps = leastSteps;
    this.roomBytes = roomBytes;
    /** @type {UndoStep[]} */
    this.past = [];
    /** @type {UndoStep[]} */
    this.future = [];
    this.bytes = 0;
  }

  clear() {
    this.past = [];
    this.future = [];
    this.bytes = 0;
  }

  /**
   * @param {UndoStep} step steps that changed nothing are not kept
   * @returns {boolean}
   */
  push(step) {
    for (const [key, runs] of step.tiles) {
      if (runs.length) runs.close();
      else step.tiles.delete(key);
    }
    for (const [key, runs] of step.ids ?? []) {
      if (runs.length) runs.close();
      else step.ids?.delete(key);
    }
    if (!step.tiles.size && !step.ids?.size) return false;
    this.past.push(step);
    this.bytes += weight(step);
    for (const undone of this.future) this.bytes -= weight(undone);
    this.future = [];
    let over = this.past.length - this.leastSteps;
    for (; over > 0 && this.bytes > this.roomBytes; over -= 1) {
      const [oldest] = this.past.splice(0, 1);
      this.bytes -= weight(oldest);
    }
    return true;
  }

  /**
   * The step to be undone (or redone) now, taken over to the other side; undefined when there is none.
   * @param {boolean} undo
   */
  take(undo) {
    const step = (undo ? this.past : this.future).pop();
    if (step) (undo ? this.future : this.past).push(step);
    return step;
  }

  get canUndo() {
    return this.past.length > 0;
  }

  get canRedo() {
    return this.future.length > 0;
  }
}

/** @param {UndoStep} step */
function weight(step) {
  let sum = 64;
  for (const runs of step.tiles.values()) sum += runs.bytes;
  for (const runs of step.ids?.values() ?? []) sum += runs.bytes;
  return sum;
}
