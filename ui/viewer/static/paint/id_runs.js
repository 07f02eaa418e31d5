// What one step has changed in the object ids of one tile: runs of neighbouring pixels that went from the same old to the
// same new id. The counterpart of runs.js, which keeps classes and coverage.

const FIELDS = 4; // start, length, old id, new id

export class IdRuns {
  constructor() {
    this.values = new Uint32Array(FIELDS * 16);
    this.length = 0; // in values
  }

  /**
   * Pixels from `start` to `end` (exclusive) have gone from one id to another.
   * @param {number} start
   * @param {number} end
   * @param {number} oldId
   * @param {number} id
   */
  add(start, end, oldId, id) {
    const last = this.length - FIELDS;
    const { values } = this;
    if (last >= 0 && values[last] + values[last + 1] === start && values[last + 2] === oldId && values[last + 3] === id) {
      values[last + 1] += end - start;
      return;
    }
    if (this.length === values.length) {
      this.values = new Uint32Array(2 * values.length);
      this.values.set(values);
    }
    this.values.set([start, end - start, oldId, id], this.length);
    this.length += FIELDS;
  }

  /** Give back what is not used. */
  close() {
    this.values = this.values.slice(0, this.length);
  }

  get bytes() {
    return this.values.byteLength;
  }

  /**
   * Call `each(start, end, id)` for what undo (or redo) has to write, in the right order.
   * @param {boolean} undo
   * @param {(start: number, end: number, id: number) => void} each
   */
  replay(undo, each) {
    const { values, length } = this;
    for (let n = 0; n < length; n += FIELDS) {
      const at = undo ? length - FIELDS - n : n;
      each(values[at], values[at] + values[at + 1], values[at + (undo ? 2 : 3)]);
    }
  }
}
