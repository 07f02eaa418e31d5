// Addresses of the server's routes. `root` is where the app lives, with a slash at its end.

/**
 * The grey values that are shown black and white.
 * @typedef {{low: number, high: number}} GreyWindow
 */

export class Api {
  /** @param {string} root */
  constructor(root) {
    this.root = new URL(root, document.baseURI).href;
  }

  /** @param {string} id */
  image(id) {
    return `${this.root}api/images/${encodeURIComponent(id)}`;
  }

  /** @param {string} id */
  scaleBar(id) {
    return `${this.image(id)}/scale-bar`;
  }

  /**
   * @param {string} id
   * @param {number} level
   * @param {number} row
   * @param {number} col
   * @param {GreyWindow | null} window null: the image's own
   */
  imageTile(id, level, row, col, window) {
    const query = window ? `?low=${window.low}&high=${window.high}` : "";
    return `${this.image(id)}/tiles/${level}/${row}/${col}${query}`;
  }

  /**
   * @param {string} id
   * @param {number} row
   * @param {number} col
   * @param {string | null | undefined} revision
   */
  pixel(id, row, col, revision) {
    const more = revision ? `&revision=${encodeURIComponent(revision)}` : "";
    return `${this.image(id)}/pixel?row=${row}&col=${col}${more}`;
  }

  /** @param {string} id */
  revision(id) {
    return `${this.root}api/revisions/${encodeURIComponent(id)}`;
  }

  /**
   * Browsers may still keep tiles in the ids of a model, from earlier versions, under the address without `ids`.
   * @param {string} id
   * @param {string} what
   * @param {number} level
   * @param {number} row
   * @param {number} col
   * @param {number} version
   */
  labelTile(id, what, level, row, col, version) {
    return `${this.revision(id)}/${what}/${level}/${row}/${col}?v=${version}&ids=project`;
  }
}
