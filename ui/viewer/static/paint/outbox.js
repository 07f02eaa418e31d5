// What is painted but not yet confirmed by the server, kept by the browser (IndexedDB) so that it survives a reload or a
// crash. Where the browser has no such store (some private windows), it lasts as long as the page.

const NAME = "cristae.drafts";
const RECORDS = "records";

export class Outbox {
  constructor(draftId) {
    this.draftId = draftId;
    this.database = null;
  }

  async open() {
    try {
      this.database = await new Promise((resolve, reject) => {
        const request = indexedDB.open(NAME, 1);
        request.onupgradeneeded = () => request.result.createObjectStore(RECORDS, { keyPath: ["draft", "holder", "sequence"] });
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
    } catch {
      this.database = null;
    }
    return this;
  }

  /** Records {draft, holder, sequence, body, keys} of this draft, oldest first. */
  async all() {
    if (!this.database) return [];
    const range = IDBKeyRange.bound([this.draftId], [this.draftId, []]);
    const found = await this.run("readonly", (records) => records.getAll(range));
    return found.sort((a, b) => a.sequence - b.sequence);
  }

  /** Keep a record, in place of an older one of the same sequence. Whether it could be kept. */
  async put(record) {
    if (!this.database) return false;
    try {
      await this.run("readwrite", (records) => records.put({ ...record, draft: this.draftId }));
      return true;
    } catch {
      return false;
    }
  }

  async remove({ holder, sequence }) {
    if (this.database) await this.run("readwrite", (records) => records.delete([this.draftId, holder, sequence])).catch(() => {});
  }

  run(mode, action) {
    return new Promise((resolve, reject) => {
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
