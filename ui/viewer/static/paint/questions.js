// "One or two?": walks through the places where it is in doubt whether there is one object or two, and answers by one key.

import { h, iconButton } from "../dom.js";
import { ICONS } from "../icons.js";
import { svgShape } from "../place.js";
import { messageOf, Problem } from "../problem.js";

/** @import { View } from "../geometry.js" */
/** @import { CutLine, DoubtQuestion, Place, QuestionList } from "../messages.js" */
/** @import { DraftApi } from "./draft_api.js" */

/** @typedef {"one" | "two"} Answer */

/**
 * @typedef {object} QuestionEvents
 * @property {() => DraftApi} api
 * @property {(number: number, answer: Answer) => Promise<boolean>} answer whether it was applied
 * @property {() => Promise<void>} flush send what is not saved yet
 * @property {() => void} undo
 * @property {(place: Omit<Place, "token">) => void} look
 * @property {(id: number) => string} nameOf
 * @property {() => boolean} may whether the draft may be painted on
 * @property {() => void} onOpen
 */

const LEAST_VIEW_PX = 64; // of the image, around a cut
const SHOWN_SHARE = 2.2; // of a cut's length

export class QuestionPanel {
  /** @param {QuestionEvents} events */
  constructor(events) {
    this.events = events;
    this.isOpen = false;
    /** @type {QuestionList | null} */
    this.list = null;
    /** @type {DoubtQuestion | null} */
    this.current = null;
    /** @type {Set<number>} */
    this.skipped = new Set();
    /** @type {CutLine[]} */
    this.lines = [];
    this.busy = false;
    this.trouble = "";
    /** @type {View | null} */
    this.view = null;
    this.heading = h("span", {}, "One or two?");
    this.body = h("div", { class: "question-body", role: "status", "aria-live": "polite" });
    this.element = h("section", { class: "questions panel", "aria-label": "One or two?", hidden: true },
      h("header", {}, this.heading, iconButton(ICONS.close, "Close", "Esc", () => this.close(), { class: "tool small" })), this.body);
    this.mark = svgShape("svg", "paint-preview question-cut");
    this.mark.setAttribute("aria-hidden", "true");
    this.paths = [svgShape("path", "under"), svgShape("path", "over")];
    this.mark.append(...this.paths);
  }

  toggle() {
    return this.isOpen ? this.close() : this.open();
  }

  async open() {
    this.isOpen = true;
    this.element.hidden = false;
    this.skipped.clear();
    this.events.onOpen();
    await this.load(true);
  }

  close() {
    this.isOpen = false;
    this.element.hidden = true;
    this.current = null;
    this.showCut([]);
    this.events.onOpen();
  }

  /** Another draft is open, or none. */
  reset() {
    if (this.isOpen) this.close();
    this.list = null;
    this.mark.remove();
  }

  /**
   * Ask the server for all questions and which are answered.
   * @param {boolean} move whether the next open one is shown
   */
  async load(move) {
    await this.work(async () => {
      await this.events.flush();
      const before = this.list;
      this.list = await this.events.api().questions();
      if (move) await this.show(this.next());
      else await this.afterUndo(before);
    });
  }

  /**
   * After undo or redo: a question that is open again is shown.
   * @param {QuestionList | null} before
   */
  async afterUndo(before) {
    const answered = new Set(before?.questions.filter((item) => item.answer).map((item) => item.number));
    const again = this.list?.questions.find((item) => !item.answer && answered.has(item.number));
    if (again) this.skipped.delete(again.number);
    const current = this.list?.questions.find((item) => item.number === this.current?.number && !item.answer) ?? null;
    await this.show(again ?? current ?? this.next());
  }

  /** Look for narrow places where nobody has looked for doubts. */
  find() {
    return this.work(async () => {
      this.list = await this.events.api().findQuestions();
      await this.show(this.next());
    });
  }

  /** @returns {DoubtQuestion | null} the first open one that was not skipped */
  next() {
    return this.list?.questions.find((item) => !item.answer && !this.skipped.has(item.number)) ?? null;
  }

  /** @param {Answer} answer */
  answer(answer) {
    const { current, events } = this;
    if (!current || !events.may()) return Promise.resolve();
    return this.work(async () => {
      if (!(await events.answer(current.number, answer))) return;
      current.answer = answer;
      await this.show(this.next());
    });
  }

  skip() {
    const { current } = this;
    if (!current || this.busy) return Promise.resolve();
    this.skipped.add(current.number);
    return this.work(() => this.show(this.next()));
  }

  askAgain() {
    this.skipped.clear();
    return this.work(() => this.show(this.next()));
  }

  /**
   * One thing at a time; what goes wrong is said in the panel.
   * @param {() => Promise<void>} action
   */
  async work(action) {
    if (this.busy) return;
    this.busy = true;
    this.trouble = "";
    this.render();
    try {
      await action();
    } catch (error) {
      this.trouble = error instanceof Problem ? `${error.message} ${error.remedy}` : messageOf(error);
    } finally {
      this.busy = false;
      this.render();
    }
  }

  /** @param {DoubtQuestion | null} question */
  async show(question) {
    this.current = question;
    this.showCut([]);
    if (!question || !this.isOpen) return;
    const { lines } = await this.events.api().question(question.number);
    if (this.current !== question) return;
    this.showCut(lines);
    this.events.look(placeOf(question, lines));
  }

  /** @param {CutLine[]} lines edges of pixels */
  showCut(lines) {
    this.lines = lines;
    this.draw(this.view);
  }

  /** @param {View | null} view see geometry.js */
  draw(view) {
    this.view = view;
    const ratio = window.devicePixelRatio || 1;
    const scale = view ? view.scale / ratio : 1;
    const path = view ? this.lines.map(([y0, x0, y1, x1]) =>
      `M${(x0 - view.x0) * scale} ${(y0 - view.y0) * scale}L${(x1 - view.x0) * scale} ${(y1 - view.y0) * scale}`).join("") : "";
    for (const element of this.paths) element.setAttribute("d", path);
  }

  render() {
    const { list } = this;
    const total = list?.questions.length ?? 0;
    const answered = list?.questions.filter((item) => item.answer).length ?? 0;
    this.element.dataset.state = this.busy ? "busy" : "ready";
    const passed = list?.questions.filter((item) => item.answer || this.skipped.has(item.number)).length ?? 0;
    this.heading.textContent = this.current ? `One or two?  ${passed + 1} of ${total}` : "One or two?";
    /** @type {(Node | string)[]} */
    const parts = this.trouble ? [h("p", { class: "trouble", role: "alert" }, this.trouble)] : [];
    if (list && this.current) parts.push(...this.questionParts(list, this.current));
    else if (list) parts.push(...this.endParts(list, answered, total));
    else if (!this.trouble) parts.push(h("p", {}, "Loading…"));
    this.body.replaceChildren(...parts);
  }

  /**
   * @param {QuestionList} list
   * @param {DoubtQuestion} question
   */
  questionParts(list, question) {
    const share = `${Math.round(100 * question.p)} % that it is two${list.guessed ? " (a guess)" : ""}`;
    const now = question.two ? "now two" : "now one";
    return [
      h("p", {}, h("strong", {}, this.events.nameOf(question.class_id)), `: ${now}; ${share}.`),
      h("div", { class: "question-keys" },
        button("One", "1", () => this.answer("one"), this.busy), button("Two", "2", () => this.answer("two"), this.busy),
        button("Skip", "3", () => this.skip(), this.busy), button("Undo", "U", () => this.events.undo(), false)),
    ];
  }

  /**
   * @param {QuestionList} list
   * @param {number} answered
   * @param {number} total
   */
  endParts(list, answered, total) {
    if (!list.looked) {
      return [
        h("p", {}, "No doubts are recorded for this label map: its objects were not separated, or by an earlier version. Narrow places can be looked for."),
        h("div", { class: "question-keys" }, button("Look for narrow places", "", () => this.find(), this.busy)),
      ];
    }
    if (!total) return [h("p", {}, "No doubtful places in this label map.")];
    const open = total - answered;
    const parts = [h("p", {}, open ? `${answered} of ${total} answered, ${open} skipped.` : `All ${total} questions of this image are answered.`)];
    if (list.left_out) parts.push(h("p", {}, `${list.left_out} less doubtful places are not asked about.`));
    if (open) parts.push(h("div", { class: "question-keys" }, button("Ask the skipped ones again", "", () => this.askAgain(), this.busy)));
    parts.push(h("p", {}, "Submit the draft; the page then offers the next image."));
    return parts;
  }
}

/**
 * What is shown around a question: its cut, with some surroundings.
 * @param {DoubtQuestion} question
 * @param {CutLine[]} lines
 * @returns {Omit<Place, "token">}
 */
export function placeOf(question, lines) {
  const rows = lines.length ? lines.flatMap(([y0, , y1]) => [y0, y1]) : [question.row];
  const cols = lines.length ? lines.flatMap(([, x0, , x1]) => [x0, x1]) : [question.column];
  const [top, bottom, left, right] = [least(rows), most(rows), least(cols), most(cols)];
  const size = Math.max(LEAST_VIEW_PX, SHOWN_SHARE * Math.max(bottom - top, right - left));
  return { row: (top + bottom - size) / 2, column: (left + right - size) / 2, height_px: size, width_px: size };
}

/** @param {number[]} values */
const least = (values) => values.reduce((a, b) => Math.min(a, b));
/** @param {number[]} values */
const most = (values) => values.reduce((a, b) => Math.max(a, b));

/**
 * @param {string} text
 * @param {string} key
 * @param {() => unknown} onclick
 * @param {boolean} disabled
 */
function button(text, key, onclick, disabled) {
  return h("button", { type: "button", class: "text-button", onclick: () => { onclick(); }, disabled }, text, key ? h("kbd", {}, key) : null);
}
