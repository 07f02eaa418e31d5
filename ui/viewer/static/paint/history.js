// Undo and redo: steps of what was changed, tile by tile (see runs.js).

const LEAST_STEPS = 200; // kept whatever they weigh
const ROOM_BYTES = 96 * 2 ** 20; // more steps are kept while all of them together weigh less

export class History {
  constructor({ leastSteps = LEAST_STEPS, roomBytes = ROOM_BYTES } = {}) {
    Object.assign(this, { leastSteps, roomBytes });
    this.clear();
  }

  clear() {
    this.past = [];
    this.future = [];
    this.bytes = 0;
  }

  /** @param step {name, tiles: Map(key => Runs)}; steps that changed nothing are not kept */
  push(step) {
    for (const [key, runs] of step.tiles) {
      if (runs.length) runs.close();
      else step.tiles.delete(key);
    }
    if (!step.tiles.size) return false;
    this.past.push(step);
    this.bytes += weight(step);
    for (const undone of this.future) this.bytes -= weight(undone);
    this.future = [];
    while (this.past.length > this.leastSteps && this.bytes > this.roomBytes) this.bytes -= weight(this.past.shift());
    return true;
  }

  /** The step to be undone (or redone) now, taken over to the other side; undefined when there is none. */
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

function weight(step) {
  let sum = 64;
  for (const runs of step.tiles.values()) sum += runs.bytes;
  return sum;
}
