// The drop zone and the list of files under it.

import { Transfer, bytesText, durationText } from "./transfer.js";

/** @import { Emit } from "../../viewer/static/messages.js" */
/** @import { Upload } from "./transfer.js" */

/**
 * The files of one drop, as the server is told of them.
 * @typedef {{batch: string, files: number, told?: boolean, [name: string]: unknown}} Drop
 */

/**
 * What `uploader` of ui/uploader/__init__.py hands over.
 * @typedef {object} UploaderProps
 * @property {string} label
 * @property {string[]} accept endings, with their dot
 * @property {string} kinds what may be dropped, in words
 * @property {boolean} multiple
 * @property {number} max_bytes of a file
 * @property {string} root the path that the app is served under
 * @property {Record<string, unknown> | null} drop what the server does with each file that has arrived
 */

const UP = '<svg viewBox="0 0 24 24" width="26" height="26" fill="none" stroke="currentColor" stroke-width="1.7" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M12 15V5M7.500 9.500L12 5l4.500 4.500M4.500 15.500V18a1.500 1.500 0 001.500 1.500h12a1.500 1.500 0 001.500-1.500v-2.500"/></svg>';
const CROSS = '<svg viewBox="0 0 24 24" width="16" height="16" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" aria-hidden="true"><path d="M6 6l12 12M18 6L6 18"/></svg>';

const SHOWN_SINGLY = 4; // more files than this are one line

export class DropZone {
  /**
   * @param {HTMLElement} host
   * @param {UploaderProps} props
   * @param {Emit} emit
   */
  constructor(host, props, emit) {
    this.host = host;
    this.props = props;
    this.emit = emit;
    /** @type {FileRow[]} */
    this.queue = [];
    /** @type {FileRow | null} */
    this.active = null;
    /** @type {(Upload & {files: number})[]} */
    this.arrived = [];
    this.abort = new AbortController();
    this.input = element("input", { type: "file", tabindex: "-1", hidden: "" });
    this.title = element("span", { class: "title" });
    this.hint = element("span", { class: "hint" });
    this.button = element("button", { type: "button", class: "browse" }, "Browse files");
    const icon = element("span", { class: "icon" });
    icon.innerHTML = UP;
    this.zone = element("div", { class: "zone", role: "group" }, icon,
      element("div", { class: "words" }, this.title, this.hint), this.button, this.input);
    this.list = element("ul", { class: "files", "aria-live": "polite" });
    this.host.append(element("div", { class: "uploader" }, this.zone, this.list));
    this.zone.addEventListener("click", () => this.input.click());
    this.button.addEventListener("click", (event) => {
      event.stopPropagation();
      this.input.click();
    });
    this.input.addEventListener("click", (event) => event.stopPropagation());
    this.input.addEventListener("change", () => {
      this.add([...(this.input.files ?? [])]);
      this.input.value = "";
    });
    this.listen();
    this.update(props);
  }

  listen() {
    let depth = 0; // enter and leave also come from the children
    /** @param {boolean} on */
    const over = (on) => this.zone.classList.toggle("over", on);
    /** @param {DragEvent} event */
    const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
    this.zone.addEventListener("dragenter", (event) => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth += 1;
      over(true);
    });
    this.zone.addEventListener("dragleave", () => {
      depth = Math.max(0, depth - 1);
      over(depth > 0);
    });
    this.zone.addEventListener("dragover", (event) => {
      if (hasFiles(event)) event.preventDefault();
    });
    this.zone.addEventListener("drop", (event) => {
      event.preventDefault();
      depth = 0;
      over(false);
      this.add([...(event.dataTransfer?.files ?? [])]);
    });
    // a file dropped beside the zone must not make the browser leave the page
    for (const name of /** @type {const} */ (["dragover", "drop"])) {
      window.addEventListener(name, (event) => { if (hasFiles(event)) event.preventDefault(); }, { signal: this.abort.signal });
    }
    // files that have not been sent are lost with the tab: the browser asks first
    window.addEventListener("beforeunload", (event) => {
      if (this.active || this.queue.length) event.preventDefault();
    }, { signal: this.abort.signal });
  }

  /** @param {UploaderProps} props */
  update(props) {
    this.props = props;
    this.input.multiple = props.multiple;
    this.input.accept = props.accept.join(",");
    this.title.textContent = props.label;
    this.hint.textContent = `${props.kinds}, up to ${bytesText(props.max_bytes)} each`;
    this.zone.setAttribute("aria-label", props.label);
    this.button.textContent = props.multiple ? "Browse files" : "Browse";
  }

  /** @param {File[]} files */
  add(files) {
    const chosen = this.props.multiple ? files : files.slice(0, 1);
    const sendable = chosen.filter((file) => file.size <= this.props.max_bytes);
    /** @type {Drop | null} */
    const drop = this.props.drop && { ...this.props.drop, batch: randomId(), files: sendable.length };
    const many = chosen.length > SHOWN_SINGLY;
    /** @type {DropRow | null} */
    const group = many ? new DropRow(sendable, () => { if (group) this.cancelDrop(group); }) : null;
    if (group) this.list.append(group.element);
    for (const file of chosen) {
      /** @type {FileRow} */
      const row = new FileRow(file, drop, group, () => this.cancel(row), () => this.again(row));
      if (!many) this.list.append(row.element);
      if (file.size > this.props.max_bytes) {
        row.fail(`The file has ${bytesText(file.size)}; ${bytesText(this.props.max_bytes)} are allowed.`,
          "The server's admin can raise CRISTAE_MAX_UPLOAD_BYTES.", false);
        this.list.append(row.element);
      } else this.queue.push(row);
    }
    this.next();
  }

  next() {
    if (this.active) return;
    const row = (this.active = this.queue.shift() ?? null);
    if (!row) {
      this.report();
      return;
    }
    row.start();
    const address = new URL(`${this.props.root}api/uploads?name=${encodeURIComponent(row.file.name)}`, document.baseURI);
    if (row.drop) address.searchParams.set("drop", JSON.stringify(row.drop));
    row.transfer = new Transfer(row.file, address.href, {
      onProgress: (sent, speed) => {
        row.progress(sent, speed);
        row.group?.progress(sent, speed);
      },
      onWaiting: (cause, seconds) => row.show(0, `${cause} Trying again in ${durationText(seconds)}.`),
      onDone: (upload) => this.done(row, upload),
      onError: (cause, remedy) => {
        row.fail(cause, remedy, true);
        if (row.group) this.list.append(row.element); // what failed is named, also among many
        this.finished(row);
      },
    });
  }

  /**
   * @param {FileRow} row
   * @param {Upload} upload
   */
  done(row, upload) {
    row.done();
    row.group?.done(row.file);
    this.arrived.push({ ...upload, files: row.drop?.files ?? 0 });
    if (row.drop && !row.drop.told) { // the page shows the batch from its first file on
      row.drop.told = true;
      this.report();
    }
    this.finished(row);
  }

  /** @param {FileRow} row */
  finished(row) {
    if (this.active === row) this.active = null;
    this.next();
  }

  /** Tell Python about all that has arrived, once nothing is on its way any more. */
  report() {
    if (!this.arrived.length) return;
    const arrived = this.arrived;
    this.arrived = [];
    this.emit("uploaded", arrived);
  }

  /** @param {FileRow} row */
  cancel(row) {
    row.transfer?.cancel();
    this.queue = this.queue.filter((other) => other !== row);
    row.element.remove();
    this.finished(row);
  }

  /**
   * Cancel upload a drop; what is on the server already goes on.
   * @param {DropRow} group
   */
  cancelDrop(group) {
    this.queue = this.queue.filter((row) => row.group !== group);
    group.element.remove();
    const row = this.active;
    if (row?.group === group) {
      row.transfer?.cancel();
      this.finished(row);
    }
  }

  /** @param {FileRow} row */
  again(row) {
    this.queue.push(row);
    row.wait();
    this.next();
  }

  close() {
    this.abort.abort();
    this.active?.transfer?.cancel();
    this.queue = [];
  }
}

/** One line for a drop of many files. */
class DropRow {
  /**
   * @param {File[]} files
   * @param {() => void} onCancel
   */
  constructor(files, onCancel) {
    this.count = files.length;
    this.bytes = files.reduce((sum, file) => sum + file.size, 0);
    this.sent = 0;
    this.arrived = 0;
    this.bar = element("i", {});
    this.note = element("span", { class: "note" });
    this.cross = element("button", { type: "button", class: "cross", "aria-label": "Cancel upload" });
    this.cross.innerHTML = CROSS;
    this.cross.addEventListener("click", onCancel);
    this.track = element("div", { class: "track", role: "progressbar", "aria-label": "Upload of all files", "aria-valuemin": "0", "aria-valuemax": "100" }, this.bar);
    this.element = element("li", { class: "running" },
      element("div", { class: "line" }, element("span", { class: "name" }, `${this.count} files`),
        element("span", { class: "size" }, bytesText(this.bytes)), this.cross),
      this.track, this.note);
    this.show(0, "Starting…");
  }

  /**
   * @param {number} sent bytes
   * @param {number} speed bytes a second
   */
  progress(sent, speed) {
    const left = speed > 0 ? (this.bytes - this.sent - sent) / speed : 0;
    const rest = left >= 1 ? `, ${durationText(left)} left` : "";
    this.show(this.sent + sent, `${this.arrived} of ${this.count} uploaded${rest}. Keep this tab open until all are uploaded.`);
  }

  /** @param {File} file */
  done(file) {
    this.sent += file.size;
    this.arrived += 1;
    if (this.arrived < this.count) {
      this.progress(0, 0);
      return;
    }
    this.element.className = "done";
    this.show(this.bytes, `All ${this.count} files are uploaded. You can close the tab.`);
    this.cross.hidden = true;
    setTimeout(() => this.element.remove(), 6000);
  }

  /**
   * @param {number} sent bytes
   * @param {string} text
   */
  show(sent, text) {
    const fraction = this.bytes ? Math.min(1, sent / this.bytes) : 0;
    this.bar.style.width = `${(fraction * 100).toFixed(1)}%`;
    this.track.setAttribute("aria-valuenow", String(Math.round(fraction * 100)));
    this.note.textContent = text;
  }
}

class FileRow {
  /**
   * @param {File} file
   * @param {Drop | null} drop that it is part of
   * @param {DropRow | null} group the line of its drop, where that has one
   * @param {() => void} onCancel
   * @param {() => void} onAgain
   */
  constructor(file, drop, group, onCancel, onAgain) {
    this.file = file;
    this.drop = drop;
    this.group = group;
    /** @type {Transfer | null} */
    this.transfer = null;
    this.bar = element("i", {});
    this.note = element("span", { class: "note" });
    this.cross = element("button", { type: "button", class: "cross", "aria-label": `Cancel ${file.name}` });
    this.cross.innerHTML = CROSS;
    this.cross.addEventListener("click", onCancel);
    this.retry = element("button", { type: "button", class: "retry", hidden: "" }, "Try again");
    this.retry.addEventListener("click", onAgain);
    this.track = element("div", { class: "track", role: "progressbar", "aria-label": `Upload of ${file.name}`, "aria-valuemin": "0", "aria-valuemax": "100" }, this.bar);
    this.element = element("li", {},
      element("div", { class: "line" }, element("span", { class: "name" }, file.name),
        element("span", { class: "size" }, bytesText(file.size)), this.retry, this.cross),
      this.track, this.note);
    this.wait();
  }

  wait() {
    this.element.className = "waiting";
    this.retry.hidden = true;
    this.show(0, "Waiting");
  }

  start() {
    this.element.className = "running";
    this.show(0, "Starting…");
  }

  /**
   * @param {number} sent bytes
   * @param {number} speed bytes a second
   */
  progress(sent, speed) {
    const fraction = this.file.size ? sent / this.file.size : 1;
    const left = speed > 0 ? (this.file.size - sent) / speed : 0;
    const rest = left >= 1 ? `, ${durationText(left)} left` : "";
    this.show(fraction, sent >= this.file.size ? "Almost done…" : `${bytesText(sent)} at ${bytesText(speed)}/s${rest}`);
  }

  done() {
    this.element.className = "done";
    this.show(1, "Uploaded");
    this.cross.hidden = true;
    setTimeout(() => this.element.remove(), 6000);
  }

  /**
   * @param {string} cause
   * @param {string} remedy
   * @param {boolean} canRetry
   */
  fail(cause, remedy, canRetry) {
    this.element.className = "failed";
    this.retry.hidden = !canRetry;
    this.show(0, `${cause} ${remedy}`.trim());
  }

  /**
   * @param {number} fraction
   * @param {string} text
   */
  show(fraction, text) {
    this.bar.style.width = `${(fraction * 100).toFixed(1)}%`;
    this.track.setAttribute("aria-valuenow", String(Math.round(fraction * 100)));
    this.note.textContent = text;
  }
}

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string>} attributes
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
function element(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  node.append(...children);
  return node;
}

/** 32 hexadecimal digits; crypto.randomUUID is missing where the page came without TLS. */
function randomId() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
