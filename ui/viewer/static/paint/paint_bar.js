// The row of paint tools: one button per tool, the options of the chosen one, undo, coverage, the state of saving, submit.

import { h, iconButton } from "../dom.js";
import { PAINT_ICONS } from "./paint_icons.js";
import { SIZE_RANGE, STEP_RANGE, TOLERANCE_RANGE, TOOL, TOOLS } from "./tools.js";

/** @import { SessionState } from "./draft_session.js" */
/** @import { Choice } from "./editor.js" */
/** @import { Range, Tool } from "./tools.js" */

/**
 * A slider of the options.
 * @typedef {{row: HTMLElement, field: HTMLInputElement, text: HTMLOutputElement, unit: string}} NumberField
 */

/**
 * @typedef {object} PaintBarState
 * @property {Choice} choice
 * @property {boolean} canUndo
 * @property {boolean} canRedo
 * @property {boolean} busy
 * @property {boolean} coverage
 * @property {boolean} whole
 * @property {boolean} [questions] whether their panel is open
 * @property {SessionState} save
 * @property {string} [saveDetail]
 * @property {number | null} nm of a pixel
 * @property {boolean} open whether the draft may be submitted
 */

/**
 * @typedef {object} PaintActions
 * @property {(tool: string) => void} choose
 * @property {<N extends keyof Choice>(name: N, value: Choice[N]) => void} set
 * @property {() => void} undo
 * @property {() => void} redo
 * @property {() => void} questions
 * @property {() => void} toggleAlone
 * @property {() => void} toggleCoverage
 * @property {() => void} wholeImage
 * @property {() => void} submit
 */

/** @type {Record<SessionState, string>} */
const SAVE_TEXT = { opening: "Opening…", saved: "Saved", saving: "Saving…", offline: "Offline", stopped: "Not saved", closed: "Submitted", held: "In use" };
/** @type {Partial<Record<SessionState, string>>} */
const SAVE_TIP = {
  saved: "All changes are saved on the server.",
  offline: "Changes are kept in this browser and sent when the server responds again.",
};

export class PaintBar {
  /** @param {PaintActions} actions choose(tool), set(name, value), undo(), redo(), toggleCoverage(), wholeImage(), submit() */
  constructor(actions) {
    this.actions = actions;
    /** @type {Record<string, HTMLButtonElement>} */
    this.tools = Object.fromEntries(TOOLS.map((tool) => [tool.name,
      iconButton(PAINT_ICONS[tool.icon], tool.title, tool.key.toUpperCase(), () => actions.choose(tool.name), { "data-tool": tool.name })]));
    this.undo = iconButton(PAINT_ICONS.undo, "Undo", "Ctrl Z", actions.undo);
    this.redo = iconButton(PAINT_ICONS.redo, "Redo", "Ctrl Y", actions.redo);
    this.coverage = iconButton(PAINT_ICONS.coverage, "Show confirmed regions", "C", actions.toggleCoverage);
    this.whole = iconButton(PAINT_ICONS.whole, "Confirm the whole image", "", actions.wholeImage);
    this.questions = iconButton(PAINT_ICONS.question, "One or two? Questions about doubtful objects", "F2", actions.questions);
    this.alone = iconButton(PAINT_ICONS.alone, "Next stroke begins a new object", ";", actions.toggleAlone);
    this.state = h("span", { class: "save-state", role: "status", "aria-live": "polite" });
    this.submit = h("button", { type: "button", class: "text-button submit", onclick: actions.submit }, "Submit…");
    const { set } = actions;
    this.fields = {
      size: this.number("size", "Brush diameter  ([ and ], Shift + wheel)", "px", [SIZE_RANGE[0], 200]),
      step: this.number("step", "Step size", "px", STEP_RANGE),
      tolerance: this.number("tolerance", "Edge strength or grey value difference that stops the brush", "", TOLERANCE_RANGE),
    };
    this.smart = choice("Smart brush", [["edges", "Stop at edges"], ["similar", "Similar grey"]], (value) => set("smart", value === "edges" ? "edges" : "similar"));
    this.mark = choice("Coverage", [["1", "Confirm"], ["0", "Unconfirm"]], (value) => set("mark", value === "1" ? 1 : 0));
    const { size, step, tolerance } = this.fields;
    this.options = h("div", { class: "group options" }, size.row, step.row, this.smart.element, tolerance.row, this.mark.element);
    const groups = [0, 1, 2, 3, 4, 5].map((group) => {
      const buttons = TOOLS.filter((tool) => tool.group === group).map((tool) => this.tools[tool.name]);
      return h("div", { class: "group" }, buttons, group === 2 ? [this.alone] : [], group === 3 ? [this.questions] : [], group === 5 ? [this.whole, this.coverage] : []);
    });
    this.element = h("div", { class: "toolbar paint-bar", role: "toolbar", "aria-label": "Paint tools" }, groups, this.options);
    this.steps = h("div", { class: "group" }, this.undo, this.redo); // these two go into the viewer's own bar
    this.saving = h("div", { class: "group saving" }, this.state, this.submit);
  }

  /**
   * A number of the choice, as a slider.
   * @param {"size" | "step" | "tolerance"} name
   * @param {string} label
   * @param {string} unit
   * @param {Range} range
   * @returns {NumberField}
   */
  number(name, label, unit, [min, max]) {
    const field = h("input", { type: "range", min, max, step: 1, class: "slider", "aria-label": label,
      oninput: () => this.actions.set(name, Number(field.value)) });
    const text = h("output", {});
    return { row: h("label", { class: "option", "data-tip": label }, field, text), field, text, unit };
  }

  /** @param {PaintBarState} state {choice, canUndo, canRedo, busy, coverage, whole, save, saveDetail, nm, open} */
  show(state) {
    const tool = TOOL[state.choice.tool];
    for (const [name, button] of Object.entries(this.tools)) press(button, name === tool.name);
    this.undo.disabled = !state.canUndo;
    this.redo.disabled = !state.canRedo;
    press(this.coverage, state.coverage);
    press(this.alone, state.choice.alone);
    press(this.questions, Boolean(state.questions));
    press(this.whole, state.whole);
    this.whole.setAttribute("aria-label", state.whole ? "Unconfirm the whole image" : "Confirm the whole image");
    this.showOptions(tool, state);
    this.state.dataset.state = state.save;
    this.state.textContent = SAVE_TEXT[state.save] ?? state.save;
    this.state.title = state.saveDetail || SAVE_TIP[state.save] || "";
    this.submit.disabled = !state.open;
    this.element.classList.toggle("busy", state.busy);
  }

  /**
   * @param {Tool} tool
   * @param {PaintBarState} state
   */
  showOptions(tool, { choice: chosen, nm }) {
    const { size, step, tolerance } = this.fields;
    size.row.hidden = !tool.sized;
    step.row.hidden = !tool.stepped;
    tolerance.row.hidden = this.smart.element.hidden = tool.name !== "smart";
    this.mark.element.hidden = !tool.confirms;
    for (const [own, value] of /** @type {const} */ ([[size, chosen.size], [step, chosen.step], [tolerance, chosen.tolerance]])) {
      const { field, text, unit } = own;
      const [least, most] = [Number(field.min), Number(field.max)];
      field.value = String(value);
      field.style.setProperty("--filled", `${Math.round((100 * (Math.min(most, value) - least)) / (most - least))}%`);
      text.textContent = own === size && nm ? `${value} px · ${length(value * nm)}` : `${value} ${unit}`;
    }
    this.smart.show(chosen.smart);
    this.mark.show(String(chosen.mark));
  }
}

/**
 * A few choices of which one holds.
 * @param {string} label
 * @param {[value: string, text: string][]} items
 * @param {(value: string) => void} onChoose
 */
function choice(label, items, onChoose) {
  const buttons = new Map(items.map(([value, text]) => [value,
    h("button", { type: "button", class: "choice", onclick: () => onChoose(value) }, text)]));
  const element = h("div", { class: "choices", role: "group", "aria-label": label }, ...buttons.values());
  /** @param {string} value */
  const show = (value) => {
    for (const [own, button] of buttons) press(button, own === value);
  };
  return { element, show };
}

/**
 * @param {HTMLElement} button
 * @param {boolean} on
 */
function press(button, on) {
  button.classList.toggle("on", on);
  button.setAttribute("aria-pressed", String(on));
}

/** @param {number} nm */
function length(nm) {
  return nm < 1000 ? `${Number(nm.toPrecision(3))} nm` : `${Number((nm / 1000).toPrecision(3))} µm`;
}
