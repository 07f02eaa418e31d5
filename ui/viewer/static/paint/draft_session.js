// One tab's hold on one draft: opening it, keeping it, losing it to another tab or person, taking it over, submitting it.

import { DraftApi } from "./draft_api.js";
import { Outbox } from "./outbox.js";
import { SaveQueue } from "./save_queue.js";
import { isClosedTab, tabName } from "./tab_name.js";

const RENEW_MS = 20_000;
const RETRY_MS = 3000;

export class DraftSession {
  /**
   * @param options root, draftId, author
   *   events: onOpen(draft, fresh): painting may begin; fresh: everything is to be fetched anew
   *   onState(state, detail): "opening" | "saved" | "saving" | "offline" | "stopped" | "held" | "closed"
   *   onSaved(answer), onAsk(count): strokes of this browser wait, and somebody else had the draft meanwhile
   */
  constructor({ root, draftId, author, events }) {
    Object.assign(this, { root, draftId, author, events });
    this.state = "opening";
    this.draft = null;
  }

  get isOpen() {
    return ["saved", "saving", "offline"].includes(this.state);
  }

  set(state, detail = null) {
    this.state = state;
    if (!this.closed) this.events.onState(state, detail);
  }

  /** @param tiles PaintTiles whose changes are to be saved */
  async open(tiles) {
    this.set("opening");
    this.holder = await tabName();
    this.api = new DraftApi(this.root, this.draftId, this.holder);
    this.outbox = await new Outbox(this.draftId).open();
    this.queue = new SaveQueue({ api: this.api, outbox: this.outbox, tiles, holder: this.holder, events: {
      onState: (state) => { if (this.isOpen) this.set(state); },
      onSaved: (answer) => this.events.onSaved(answer),
      onStopped: (error) => this.onRefused(error),
    } });
    const waiting = await this.outbox.all();
    await this.queue.restore(waiting);
    await this.untilAnswered(() => this.take(false, waiting));
  }

  /** Do something that needs the server, again and again until it answers. */
  async untilAnswered(action) {
    while (!this.closed) {
      try {
        await action();
        return;
      } catch (error) {
        if (this.closed) return;
        if (error.status && error.status < 500) {
          this.onRefused(error);
          return;
        }
        this.events.onState("opening", error.status ? error : null);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  /** Get hold of the draft, send what waits, then let painting begin. */
  async take(takeOver, waiting = this.queue.records) {
    let draft;
    let mine = true; // nobody else has held it since what waits was painted
    try {
      draft = await this.api.hold(this.author, takeOver);
    } catch (error) {
      if (error.status !== 409 || !error.holder || !(await isClosedTab(error.holder.id))) throw error;
      draft = await this.api.hold(this.author, true);
    }
    const painters = new Set(waiting.map(({ holder }) => holder));
    const other = draft.held_before && !painters.has(draft.held_before);
    if (waiting.length && other) mine = await this.events.onAsk(waiting.length);
    if (!mine) await this.queue.drop();
    if (this.closed) return;
    this.queue.start();
    if (waiting.length && mine) {
      await this.queue.flush();
      draft = await this.api.draft();
    }
    this.draft = draft;
    this.queue.offline = null;
    this.set("saved");
    this.renew();
    this.events.onOpen(draft);
  }

  takeOver() {
    this.set("opening");
    return this.untilAnswered(() => this.take(true));
  }

  renew() {
    clearInterval(this.renewal);
    this.renewal = setInterval(async () => {
      if (!this.isOpen) return;
      try {
        await this.api.renew(this.author);
        if (this.queue.offline) this.queue.now();
      } catch (error) {
        if (error.status === 409 && error.holder && (await isClosedTab(error.holder.id))) await this.takeOver();
        else if (error.status === 409 || error.status === 410 || error.status === 404) this.onRefused(error);
      }
    }, RENEW_MS);
  }

  /** The server has refused: somebody else has the draft, it is closed, or what was sent is not accepted. */
  onRefused(error) {
    if (error.status === 409) {
      this.queue.stopped = true;
      this.set("held", error);
    } else if (error.status === 410 || error.status === 404) {
      this.queue.stopped = true;
      this.set("closed", error);
    } else {
      this.set(error.status === 507 ? "offline" : "stopped", error);
    }
  }

  async wholeImage(value) {
    await this.queue.flush();
    this.draft = { ...this.draft, ...(await this.api.wholeImage(value)) };
    this.draft.whole_image = value;
  }

  /** @returns {Promise<{revision_id, changes}>} */
  async submit(note) {
    await this.queue.flush();
    const answer = await this.api.submit(note);
    clearInterval(this.renewal);
    this.queue.stopped = true;
    this.set("closed");
    return answer;
  }

  close() {
    this.closed = true;
    clearInterval(this.renewal);
    this.queue?.pump();
    this.queue?.close();
    this.outbox?.close();
  }
}
