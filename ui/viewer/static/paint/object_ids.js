// What is known of the objects of a draft: which classes have ids, and which ids are free for new ones.

const MOST_ID = 2 ** 32 - 1;

export class ObjectIds {
  /** @param {() => Promise<{classes: number[], next_id: number}>} ask the server */
  constructor(ask) {
    this.ask = ask;
    /** @type {Set<number>} */
    this.classes = new Set();
    this.next = 0; // 0: not known yet
    /** @type {Promise<void> | null} */
    this.asking = null;
  }

  /** Whether any class has ids: then every tile that is sent has its ids with it. */
  get any() {
    return this.classes.size > 0;
  }

  /** Have a free id; rejects when the server cannot be asked. */
  ready() {
    if (this.next) return Promise.resolve();
    this.asking ??= this.ask().then(({ classes, next_id }) => {
      for (const id of classes) this.classes.add(id);
      this.next = Math.max(this.next, next_id);
    }).finally(() => { this.asking = null; });
    return this.asking;
  }

  /** An id that no object has. */
  fresh() {
    if (!this.next || this.next > MOST_ID) throw new Error(`No free object id is left: ids go up to ${MOST_ID.toLocaleString("en")}.`);
    this.next += 1;
    return this.next - 1;
  }

  /**
   * Objects of a class have got these ids.
   * @param {number} classId
   * @param {number[]} ids
   */
  note(classId, ids) {
    this.classes.add(classId);
    for (const id of ids) if (this.next) this.next = Math.max(this.next, id + 1);
  }

  /** @param {number[]} classes that have ids in the draft as it was opened */
  begin(classes) {
    this.classes = new Set(classes);
    this.next = 0;
    this.asking = null;
  }
}
