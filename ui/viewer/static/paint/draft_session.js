// One tab's hold on one draft: opening it, keeping it, losing it to another tab or person, taking it over, submitting it.

import { Problem } from "../problem.js";
import { DraftApi } from "./draft_api.js";
import { Outbox } from "./outbox.js";
import { SaveQueue } from "./save_queue.js";
import { isClosedTab, tabName } from "./tab_name.js";

/** @import { Draft, SubmitAnswer, TilesAnswer } from "../messages.js" */
/** @import { OutboxRecord } from "./outbox.js" */
/** @import { PaintTiles } from "./paint_tiles.js" */

/**
 * What a session works with, once this tab has its name.
 * @typedef {{api: DraftApi, outbox: Outbox, queue: SaveQueue}} Work
 */

/**
 * @typedef {object} SessionEvents
 * @property {(draft: Draft, api: DraftApi) => void} onOpen painting may begin; everything is to be fetched anew
 * @property {(state: SessionState, detail: Problem | null) => void} onState
 * @property {(answer: TilesAnswer) => void} onSaved
 * @property {(count: number) => Promise<boolean>} onAsk strokes of this browser wait, and somebody else had the draft meanwhile: whether to send them
 */

/** @typedef {"opening" | "saved" | "saving" | "offline" | "stopped" | "held" | "closed"} SessionState */

const RENEW_MS = 20_000;
const RETRY_MS = 3000;

/**
 * Whether somebody else is said to have the draft, and that is a tab of this browser which is closed.
 * @param {unknown} error
 */
async function isHeldByClosedTab(error) {
  return error instanceof Problem && error.status === 409 && error.holder !== null && (await isClosedTab(error.holder.id));
}

export class DraftSession {
  /** @param {{root: string, draftId: string, author: string, events: SessionEvents}} options */
  constructor({ root, draftId, author, events }) {
    this.root = root;
    this.draftId = draftId;
    this.author = author;
    this.events = events;
    /** @type {SessionState} */
    this.state = "opening";
    /** @type {Work | null} */
    this.work = null;
    this.renewal = 0; // timer
    this.closed = false;
  }

  get isOpen() {
    return ["saved", "saving", "offline"].includes(this.state);
  }

  /** Strokes on their way, once there can be any. */
  get queue() {
    return this.work?.queue ?? null;
  }

  /**
   * @param {SessionState} state
   * @param {Problem | null} detail
   */
  set(state, detail = null) {
    this.state = state;
    if (!this.closed) this.events.onState(state, detail);
  }

  /** @param {PaintTiles} tiles whose changes are to be saved */
  async open(tiles) {
    this.set("opening");
    const holder = await tabName();
    const api = new DraftApi(this.root, this.draftId, holder);
    const outbox = await new Outbox(this.draftId).open();
    if (this.closed) {
      outbox.close();
      return;
    }
    const queue = new SaveQueue({ api, outbox, tiles, holder, events: {
      onState: (state) => { if (this.isOpen) this.set(state); },
      onSaved: (answer) => this.events.onSaved(answer),
      onStopped: (error) => this.onRefused(error),
    } });
    const work = (this.work = { api, outbox, queue });
    const waiting = await outbox.all();
    queue.restore(waiting);
    await this.untilAnswered(() => this.take(work, false, waiting));
  }

  /**
   * Do something that needs the server, again and again until it answers.
   * @param {() => Promise<void>} action
   */
  async untilAnswered(action) {
    while (!this.closed) {
      try {
        await action();
        return;
      } catch (error) {
        if (this.closed) return;
        const problem = error instanceof Problem ? error : null;
        if (problem && problem.status < 500) {
          this.onRefused(problem);
          return;
        }
        this.events.onState("opening", problem);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /**
   * Get hold of the draft, send what waits, then let painting begin.
   * @param {Work} work
   * @param {boolean} takeOver
   * @param {OutboxRecord[]} waiting
   */
  async take(work, takeOver, waiting) {
    const { api, queue } = work;
    let mine = true; // nobody else has held it since what waits was painted
    let draft = await this.hold(api, takeOver);
    const painters = new Set(waiting.map(({ holder }) => holder));
    const other = draft.held_before && !painters.has(draft.held_before);
    if (waiting.length && other) mine = await this.events.onAsk(waiting.length);
    if (!mine) await queue.drop();
    if (this.closed) return;
    queue.start();
    if (waiting.length && mine) {
      await queue.flush();
      draft = await api.draft();
    }
    if (this.closed) return; // another draft was opened meanwhile
    queue.offline = null;
    this.set("saved");
    this.renew(work);
    this.events.onOpen(draft, api);
  }

  /**
   * The draft, held by this tab; taken from a tab of this browser that is closed.
   * @param {DraftApi} api
   * @param {boolean} takeOver
   */
  async hold(api, takeOver) {
    try {
      return await api.hold(this.author, takeOver);
    } catch (error) {
      if (!(await isHeldByClosedTab(error))) throw error;
      return api.hold(this.author, true);
    }
  }

  async takeOver() {
    const { work } = this;
    if (!work) return;
    this.set("opening");
    await this.untilAnswered(() => this.take(work, true, work.queue.records));
  }

  /** @param {Work} work */
  renew({ api, queue }) {
    clearInterval(this.renewal);
    this.renewal = setInterval(async () => {
      if (!this.isOpen) return;
      try {
        await api.renew(this.author);
        if (queue.offline) queue.now();
      } catch (error) {
        if (this.closed || !(error instanceof Problem)) return; // no answer: the next stroke tells of that
        if (await isHeldByClosedTab(error)) await this.takeOver();
        else if (error.status === 409 || error.status === 410 || error.status === 404) this.onRefused(error);
      }
    }, RENEW_MS);
  }

  /**
   * The server has refused: somebody else has the draft, it is closed, or what was sent is not accepted.
   * @param {Problem} error
   */
  onRefused(error) {
    const { queue } = this;
    const lost = error.status === 409 || error.status === 410 || error.status === 404;
    if (lost && queue) queue.stopped = true;
    if (lost) {
      this.set(error.status === 409 ? "held" : "closed", error);
    } else {
      this.set(error.status === 507 ? "offline" : "stopped", error);
    }
  }

  /** @param {boolean} value */
  async wholeImage(value) {
    const { api, queue } = this.opened();
    await queue.flush();
    await api.wholeImage(value);
  }

  /**
   * Give each piece of a class an object id; the draft is another one then.
   * @param {number} classId
   */
  async giveIds(classId) {
    const { api, queue } = this.opened();
    await queue.flush();
    const { count } = await api.giveIds(classId);
    return { count, draft: await api.draft(), api };
  }

  /**
   * @param {string} note
   * @returns {Promise<SubmitAnswer>}
   */
  async submit(note) {
    const { api, queue } = this.opened();
    await queue.flush();
    const answer = await api.submit(note);
    clearInterval(this.renewal);
    queue.stopped = true;
    this.set("closed");
    return answer;
  }

  opened() {
    if (!this.work) throw new Error("The draft is not open yet.");
    return this.work;
  }

  close() {
    this.closed = true;
    clearInterval(this.renewal);
    if (!this.work) return;
    const { queue, outbox } = this.work;
    const packed = queue.pump(); // what is painted last is kept before the browser's store is closed
    queue.close();
    packed.finally(() => outbox.close());
  }
}
