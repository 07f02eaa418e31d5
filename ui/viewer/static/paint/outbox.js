// What is painted but not yet confirmed by the server, kept by the browser (IndexedDB) so that it survives a reload or a
// crash. Where the browser has no such store (some private windows), it lasts as long as the page.

/**
 * Tiles on their way to the server.
 * @typedef {object} OutboxRecord
 * @property {string} [draft]
 * @property {string} holder the tab that painted them
 * @property {number} sequence grows within a tab
 * @property {string[]} keys of the tiles
 * @property {Blob} body of the post
 */

const NAME = "cristae.drafts";
const RECORDS = "records";

export class Outbox {
  /** @param {string} draftId */
  constructor(draftId) {
    this.draftId = draftId;
    /** @type {IDBDatabase | null} */
    this.database = null;
  }

  async open() {
    try {
      this.database = /** @type {IDBDatabase} */ (await new Promise((resolve, reject) => {
        const request = indexedDB.open(NAME, 1);
        request.onupgradeneeded = () => request.result.createObjectStore(RECORDS, { keyPath: ["draft", "holder", "sequence"] });
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      }));
    } catch {
      this.database = null;
    }
    return this;
  }

  /**
   * Records {draft, holder, sequence, body, keys} of this draft, oldest first.
   * @returns {Promise<OutboxRecord[]>}
   */
  async all() {
    if (!this.database) return [];
    const range = IDBKeyRange.bound([this.draftId], [this.draftId, []]);
    const found = /** @type {OutboxRecord[]} */ (await this.run("readonly", (records) => records.getAll(range)));
    return found.sort((a, b) => a.sequence - b.sequence);
  }

  /**
   * Keep a record, in place of an older one of the same sequence. Whether it could be kept.
   * @param {OutboxRecord} record
   */
  async put(record) {
    if (!this.database) return false;
    try {
      await this.run("readwrite", (records) => records.put({ ...record, draft: this.draftId }));
      return true;
    } catch {
      return false;
    }
  }

  /** @param {Pick<OutboxRecord, "holder" | "sequence">} record */
  async remove({ holder, sequence }) {
    if (this.database) await this.run("readwrite", (records) => records.delete([this.draftId, holder, sequence])).catch(() => {});
  }

  /**
   * @param {IDBTransactionMode} mode
   * @param {(records: IDBObjectStore) => IDBRequest} action
   */
  run(mode, action) {
    return new Promise((resolve, reject) => {
      if (!this.database) throw new Error("The browser storage is closed.");
      const transaction = this.database.transaction(RECORDS, mode);
      const request = action(transaction.objectStore(RECORDS));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = transaction.onerror = () => reject(transaction.error);
    });
  }

  close() {
    this.database?.close();
    this.database = null;
  }
}
