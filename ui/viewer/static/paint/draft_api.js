// The server's routes for drafts.

import { problemOf } from "../problem.js";
import { xsrfHeader } from "../xsrf.js";

/** @import { CutLine, Draft, ObjectAnswer, ObjectRequest, QuestionList, SubmitAnswer, TilesAnswer } from "../messages.js" */
/** @import { OutboxRecord } from "./outbox.js" */
/** @import { PaintTile } from "./paint_tiles.js" */
/** @import { Tally } from "./save_queue.js" */

export class DraftApi {
  /**
   * @param {string} root where the app lives, with a slash at its end
   * @param {string} id of the draft
   * @param {string} holder this tab's name for itself
   */
  constructor(root, id, holder) {
    this.base = `${new URL(root, document.baseURI).href}api/drafts/${encodeURIComponent(id)}`;
    this.holder = holder;
  }

  /**
   * @param {"labels" | "coverage" | "objects"} plane
   * @param {number} level
   * @param {number} row
   * @param {number} col
   * @param {number} version
   */
  tile(plane, level, row, col, version) {
    return `${this.base}/${plane}/${level}/${row}/${col}?v=${version}`;
  }

  /** @returns {Promise<Draft>} */
  async draft() {
    return answerOf(await fetch(this.base, { cache: "no-store" }));
  }

  /**
   * @param {"labels" | "coverage"} plane
   * @param {number} row
   * @param {number} col
   * @param {number} version
   */
  async plane(plane, row, col, version) {
    const response = await fetch(this.tile(plane, 0, row, col, version), { cache: "no-store" });
    if (!response.ok) throw await problemOf(response);
    return new Uint8Array(await response.arrayBuffer());
  }

  /**
   * Object ids of a full-resolution tile; null where no pixel has one.
   * @param {number} row
   * @param {number} col
   * @param {number} version
   * @returns {Promise<Uint32Array<ArrayBuffer> | null>}
   */
  async ids(row, col, version) {
    const response = await fetch(this.tile("objects", 0, row, col, version), { cache: "no-store" });
    if (!response.ok) throw await problemOf(response);
    const content = await response.arrayBuffer();
    return content.byteLength ? new Uint32Array(content) : null;
  }

  /** @returns {Promise<{classes: number[], next_id: number}>} */
  async objects() {
    return answerOf(await fetch(`${this.base}/objects`, { cache: "no-store" }));
  }

  /**
   * What an edit of objects changes in the draft as it is saved; nothing is kept by asking.
   * @param {ObjectRequest} request
   * @returns {Promise<ObjectAnswer>}
   */
  editObjects(request) {
    return this.post("objects", request);
  }

  /**
   * @param {number} classId
   * @returns {Promise<{count: number}>}
   */
  giveIds(classId) {
    return this.post("objects", { action: "start", class_id: classId, holder: this.holder });
  }

  /**
   * The questions "one or two?" about the label map of the draft.
   * @returns {Promise<QuestionList>}
   */
  async questions() {
    return answerOf(await fetch(`${this.base}/questions`, { cache: "no-store" }));
  }

  /**
   * Where the cut of a question runs in the draft as it is saved.
   * @param {number} number
   * @returns {Promise<{lines: CutLine[]}>}
   */
  async question(number) {
    return answerOf(await fetch(`${this.base}/questions/${number}`, { cache: "no-store" }));
  }

  /**
   * Look for narrow places where nobody has looked for doubts.
   * @returns {Promise<QuestionList>}
   */
  findQuestions() {
    return this.post("questions", {});
  }

  /**
   * Send one record of the outbox.
   * @param {Pick<OutboxRecord, "holder" | "sequence" | "body">} record
   * @returns {Promise<TilesAnswer>}
   */
  async send({ holder, sequence, body }) {
    const query = new URLSearchParams({ holder, sequence: String(sequence), sent_by: this.holder }); // the tab that painted it may be closed
    const address = `${this.base}/tiles?${query}`;
    const headers = { ...xsrfHeader(), "Content-Type": "application/octet-stream", "Content-Encoding": "gzip" };
    return answerOf(await fetch(address, { method: "POST", headers, body }));
  }

  /**
   * @param {string} name
   * @param {boolean} takeOver
   * @returns {Promise<Draft>}
   */
  hold(name, takeOver) {
    return this.post("hold", { holder: this.holder, name, take_over: takeOver });
  }

  /**
   * Go on holding it; refused when another tab has had it meanwhile, for what this one shows is not the draft then.
   * @param {string} name
   */
  renew(name) {
    return this.post("hold", { holder: this.holder, name, renew: true });
  }

  /**
   * @param {boolean} value
   * @returns {Promise<Partial<Draft>>}
   */
  wholeImage(value) {
    return this.post("whole-image", { value, holder: this.holder });
  }

  /**
   * @param {string} note
   * @returns {Promise<SubmitAnswer>}
   */
  submit(note) {
    return this.post("submit", { note, holder: this.holder });
  }

  /**
   * @param {string} what
   * @param {object} values
   */
  async post(what, values) {
    const headers = { ...xsrfHeader(), "Content-Type": "application/json" };
    return answerOf(await fetch(`${this.base}/${what}`, { method: "POST", headers, body: JSON.stringify(values) }));
  }
}

/** @param {Response} response */
async function answerOf(response) {
  if (response.ok) return response.json();
  throw await problemOf(response);
}

/**
 * The body of a post of tiles: a JSON header after its length, then labels, coverage and, where the
 * tile has any, object ids of each tile; gzip over all.
 * @param {PaintTile[]} tiles [{row, col, height, width, labels, coverage}]
 * @param {Tally} stroke
 * @returns {Promise<Blob>}
 */
export function packTiles(tiles, stroke) {
  const header = new TextEncoder().encode(JSON.stringify({
    tiles: tiles.map(({ row, col, height, width, ids }) => ({ row, column: col, height, width, ids: Boolean(ids) })),
    stroke,
  }));
  const length = new Uint8Array(4);
  new DataView(length.buffer).setUint32(0, header.length, true);
  /** @type {BlobPart[]} */
  const parts = [length, header];
  for (const tile of tiles) {
    parts.push(tile.labels, tile.coverage ?? new Uint8Array(tile.labels.length));
    if (tile.ids) parts.push(tile.ids);
  }
  const packed = new Blob(parts).stream().pipeThrough(new CompressionStream("gzip"));
  return new Response(packed).blob();
}
