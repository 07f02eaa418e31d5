// One file on its way to the server. XMLHttpRequest, because fetch does not tell how much has been sent.

import { xsrfHeader } from "../../viewer/static/xsrf.js";

/**
 * What the server answers where it does not take a file.
 * @typedef {{cause?: string, remedy?: string}} Refusal
 */

/**
 * @typedef {object} TransferEvents
 * @property {(sent: number, bytesPerSecond: number) => void} onProgress
 * @property {(cause: string, seconds: number) => void} onWaiting
 * @property {(upload: Upload) => void} onDone
 * @property {(cause: string, remedy: string) => void} onError
 */

/**
 * A file that is on the server.
 * @typedef {{upload_id: string, name: string, bytes: number, batch_id?: string}} Upload
 */

const SPEED_WINDOW_MS = 3000;
const MOST_REFUSED = 40;
const LONGEST_WAIT_S = 60;

/**
 * Bytes in words, decimal units.
 * @param {number} bytes
 */
export function bytesText(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2;
  return `${value.toFixed(digits)} ${units[unit]}`;
}

/**
 * Seconds in words.
 * @param {number} seconds
 */
export function durationText(seconds) {
  if (seconds < 60) return `${Math.max(1, Math.round(seconds))} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

export class Transfer {
  /**
   * @param {File} file
   * @param {string} address
   * @param {TransferEvents} events onProgress(sent, bytesPerSecond), onWaiting(cause, seconds), onDone({upload_id, name, bytes}), onError(cause, remedy)
   */
  constructor(file, address, events) {
    this.file = file;
    this.address = address;
    this.events = events;
    this.refused = 0;
    this.timer = 0; // of the next try
    this.cancelled = false;
    /** @type {[ms: number, bytes: number][]} */
    this.samples = []; // of how much was sent when
    this.request = new XMLHttpRequest();
    this.send();
  }

  send() {
    this.samples = [];
    const request = (this.request = new XMLHttpRequest());
    request.open("PUT", this.address);
    const headers = { ...xsrfHeader(), "Content-Type": "application/octet-stream" };
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => this.events.onProgress(event.loaded, this.speed(event.loaded));
    request.onload = () => this.finish();
    request.onerror = () => this.fail();
    request.send(this.file);
  }

  /** @param {number} sent */
  speed(sent) {
    const now = performance.now();
    this.samples.push([now, sent]);
    while (this.samples.length > 2 && now - this.samples[0][0] > SPEED_WINDOW_MS) this.samples.shift();
    const [then, before] = this.samples[0];
    return now > then ? ((sent - before) / (now - then)) * 1000 : 0;
  }

  finish() {
    const { status, responseText } = this.request;
    const body = parsed(responseText);
    if (status >= 200 && status < 300) this.events.onDone(/** @type {Upload} */ (body));
    else if (status === 429 || status === 503) this.later(body, Number(this.request.getResponseHeader("Retry-After")));
    else this.events.onError(body.cause ?? `The server answered ${status}.`, body.remedy ?? "");
  }

  /**
   * The server has no place at this moment: ask again when it said, ever more slowly, but not for ever.
   * @param {Refusal} body
   * @param {number} asked seconds
   */
  later(body, asked) {
    this.refused += 1;
    if (this.refused > MOST_REFUSED) {
      this.events.onError(body.cause ?? "The server is busy.", "Try again later.");
      return;
    }
    const seconds = Math.min((asked || 5) * (1 + this.refused / 4), LONGEST_WAIT_S);
    this.events.onWaiting(body.cause ?? "The server is busy.", seconds);
    this.timer = setTimeout(() => this.send(), seconds * 1000);
  }

  async fail() {
    if (this.cancelled) return;
    // A file that was changed or removed meanwhile looks like a broken connection: reading a byte tells them apart.
    try {
      await this.file.slice(0, 1).arrayBuffer();
      this.events.onError("The connection was lost.", "Check that the server is running and try again.");
    } catch {
      this.events.onError("The file cannot be read.", "It was changed or moved, or is a folder. Choose it again.");
    }
  }

  cancel() {
    this.cancelled = true;
    clearTimeout(this.timer);
    this.request.abort();
  }
}

/**
 * @param {string} text
 * @returns {Refusal & Partial<Upload>}
 */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}
