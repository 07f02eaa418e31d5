// A map that forgets what was not used for longest.

/** @template V */
export class Lru {
  /** @param {number} capacity */
  constructor(capacity) {
    this.capacity = capacity;
    /** @type {Map<string, V>} */
    this.map = new Map();
  }

  /**
   * @param {string} key
   * @returns {V | undefined}
   */
  get(key) {
    const value = this.map.get(key);
    if (value === undefined) return undefined;
    this.map.delete(key);
    this.map.set(key, value);
    return value;
  }

  /** @param {string} key */
  peek(key) {
    return this.map.get(key);
  }

  /**
   * @param {string} key
   * @param {V} value
   */
  set(key, value) {
    this.map.delete(key);
    this.map.set(key, value);
    while (this.map.size > this.capacity) this.map.delete(/** @type {string} */ (this.map.keys().next().value));
  }

  /** @param {string} key */
  delete(key) {
    this.map.delete(key);
  }

  clear() {
    this.map.clear();
  }

  get size() {
    return this.map.size;
  }

  entries() {
    return this.map.entries();
  }
}
