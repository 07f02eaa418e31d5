// Trouble with the server, told inside the viewer, and ended by itself when the server is back.

import { h } from "./dom.js";
import { Problem, problemOf } from "./problem.js";

const FIRST_WAIT_MS = 800;
const LONGEST_WAIT_MS = 8000;
const FIRST_PAUSE_MS = 600; // before everything is fetched anew
const LONGEST_PAUSE_MS = 300_000;
const SETTLED_MS = 15_000; // a tile that fails again does so earlier, its retries included

export class Connection {
  /**
   * @param {string} probeAddress URL that answers when all is well
   * @param {() => void} onRecovered called when it answers again: fetch anew what is missing
   */
  constructor(probeAddress, onRecovered) {
    this.probeAddress = probeAddress;
    this.onRecovered = onRecovered;
    this.text = h("span", {});
    this.button = h("button", { type: "button", class: "text-button", onclick: () => this.probe() }, "Try again");
    this.element = h("div", { class: "trouble", role: "alert", hidden: true }, this.text, this.button);
    this.timer = 0; // of the next question to the server
    this.fetching = 0; // timer of the next onRecovered
    this.waitMs = FIRST_WAIT_MS;
    this.pauseMs = FIRST_PAUSE_MS;
    this.fetchedAt = -Infinity;
    this.troubled = false;
    this.lost = false;
    this.closed = false;
  }

  /** Something could not be loaded: find out whether the server is there. */
  report() {
    if (this.troubled || this.closed) return;
    this.troubled = true;
    this.waitMs = FIRST_WAIT_MS;
    this.timer = setTimeout(() => this.probe(), 250);
  }

  /** Something was loaded: when nothing has failed since all was fetched anew, that has helped. */
  well() {
    const settled = performance.now() - this.fetchedAt > SETTLED_MS;
    if (settled && !this.troubled && !this.fetching) this.pauseMs = FIRST_PAUSE_MS;
  }

  async probe() {
    clearTimeout(this.timer);
    try {
      const response = await fetch(this.probeAddress, { cache: "no-store" });
      if (!response.ok) throw await problemOf(response);
      this.recovered();
    } catch (error) {
      if (this.closed) return;
      this.lost = true;
      if (error instanceof Problem) this.show(`${error.message} ${error.remedy}`);
      else this.show("The server does not respond. Trying again…");
      this.timer = setTimeout(() => this.probe(), this.waitMs);
      this.waitMs = Math.min(LONGEST_WAIT_MS, this.waitMs * 1.6);
    }
  }

  /** The server is there. Where it always was, a tile itself is broken, and fetching anew helps less with every time. */
  recovered() {
    this.troubled = false;
    this.element.hidden = true;
    if (this.lost) {
      this.lost = false;
      this.pauseMs = FIRST_PAUSE_MS;
      clearTimeout(this.fetching);
      this.fetching = 0;
    }
    if (this.fetching || this.closed) return;
    this.fetching = setTimeout(() => this.fetchAnew(), this.pauseMs);
    this.pauseMs = Math.min(LONGEST_PAUSE_MS, this.pauseMs * 2);
  }

  fetchAnew() {
    this.fetching = 0;
    this.fetchedAt = performance.now();
    this.onRecovered();
  }

  /** @param {string} text */
  show(text) {
    this.text.textContent = text;
    this.element.hidden = false;
  }

  close() {
    this.closed = true;
    clearTimeout(this.timer);
    clearTimeout(this.fetching);
  }
}
