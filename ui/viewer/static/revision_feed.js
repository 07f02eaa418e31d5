// Follows a label map while it is being written, so that masks appear as their blocks are done.

import { Problem, problemOf } from "./problem.js";

/** @import { RevisionState } from "./messages.js" */

/**
 * @typedef {object} FeedEvents
 * @property {(state: RevisionState, before: RevisionState | null) => void} onState
 * @property {(error: Error) => void} onGone
 */

const POLL_MS = 900;
const TROUBLE_POLL_MS = 4000;

export class RevisionFeed {
  /**
   * @param {string} address
   * @param {FeedEvents} events
   */
  constructor(address, events) {
    this.address = address;
    this.events = events;
    this.closed = false;
    this.timer = 0;
    /** @type {RevisionState | null} */
    this.state = null;
  }

  /** Ask now, and again until the map is complete. */
  async poll() {
    let wait = POLL_MS;
    try {
      const response = await fetch(this.address, { cache: "no-store" });
      if (!response.ok) throw await problemOf(response);
      const state = /** @type {RevisionState} */ (await response.json());
      if (this.closed) return;
      const before = this.state;
      this.state = state;
      this.events.onState(state, before);
      if (state.state !== "writing") return;
    } catch (error) {
      if (this.closed) return;
      if (error instanceof Problem && error.status === 404) {
        this.events.onGone(error);
        return;
      }
      wait = TROUBLE_POLL_MS;
    }
    this.timer = setTimeout(() => this.poll(), document.hidden ? 4 * wait : wait);
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
  }
}
