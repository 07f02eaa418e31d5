// What one step has changed in one tile, compactly: runs of neighbouring pixels that went from the same old to the same
// new label and coverage. Kept in the order of the changes, so that undo goes backwards and redo forwards through them.

const FIELDS = 3; // start, length, packed values

export class Runs {
  constructor() {
    this.values = new Uint32Array(FIELDS * 32);
    this.length = 0; // in values
  }

  /**
   * A pixel has gone from label and coverage (oldLabel, oldCover) to (label, cover).
   * @param {number} index
   * @param {number} oldLabel
   * @param {number} label
   * @param {number} oldCover
   * @param {number} cover
   */
  add(index, oldLabel, label, oldCover, cover) {
    const packed = (oldLabel | (label << 8) | (oldCover << 16) | (cover << 17)) >>> 0;
    const last = this.length - FIELDS;
    if (last >= 0 && this.values[last + 2] === packed && this.values[last] + this.values[last + 1] === index) {
      this.values[last + 1] += 1;
      return;
    }
    if (this.length === this.values.length) {
      const more = new Uint32Array(2 * this.values.length);
      more.set(this.values);
      this.values = more;
    }
    this.values[this.length] = index;
    this.values[this.length + 1] = 1;
    this.values[this.length + 2] = packed;
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
   * Call `each(start, end, label, cover)` for what undo (or redo) has to write, in the right order.
   * @param {boolean} undo
   * @param {(start: number, end: number, label: number, cover: number) => void} each
   */
  replay(undo, each) {
    const { values, length } = this;
    for (let n = 0; n < length; n += FIELDS) {
      const at = undo ? length - FIELDS - n : n;
      const packed = values[at + 2];
      const label = undo ? packed & 255 : (packed >> 8) & 255;
      each(values[at], values[at] + values[at + 1], label, undo ? (packed >> 16) & 1 : (packed >> 17) & 1);
    }
  }
}
