// The annotator: a guest of the viewer with a draft to paint on. It decides what each tool and key does.

import { viewOfPlace } from "../place.js";
import { messageOf, Problem } from "../problem.js";
import { ClassList } from "./class_list.js";
import { DraftSession } from "./draft_session.js";
import { Notices } from "./notices.js";
import { PaintBar } from "./paint_bar.js";
import { PAINT_HELP } from "./paint_help.js";
import { Painting } from "./painting.js";
import { PaintSettings } from "./paint_settings.js";
import { QuestionPanel } from "./questions.js";
import { nextSize, TOOL, TOOLS } from "./tools.js";
import { WindowHeight } from "./window_height.js";

/** @import { EmViewer } from "../em_viewer.js" */
/** @import { Guest } from "../guest.js" */
/** @import { AnnotatorProps, Draft, Place, TilesAnswer, ViewerProps } from "../messages.js" */
/** @import { DraftApi } from "./draft_api.js" */
/** @import { SessionState } from "./draft_session.js" */
/** @import { Choice, Step } from "./editor.js" */

const BACKGROUND = { id: 0, name: "Background", color: "#8a8f98", safe_color: "#8a8f98", key: "0" };

/**
 * Whether and how what is painted is saved: see DraftSession.
 * @typedef {object} SaveState
 * @property {SessionState} state
 * @property {Problem | null} detail
 */

/** @implements {Guest} */
export class Annotator {
  className = "annotator";
  help = PAINT_HELP;
  hasOwnClassList = true;
  /** Of buttons of the viewer whose keys mean something else here. */
  tips = {
    scale: "Measure the pixel size on the scale bar", adjust: "Brightness and contrast  (N)", fullScreen: "Full screen", fit: "Fit to window  (Home)",
  };
  paintSettings = new PaintSettings();
  bar = new PaintBar({
    choose: (name) => this.chooseTool(name), set: (name, value) => this.choose({ [name]: value }),
    undo: () => this.travel("undo"), redo: () => this.travel("redo"),
    questions: () => this.questions.toggle(), toggleAlone: () => this.toggleAlone(), toggleCoverage: () => this.toggleCoverage(), wholeImage: () => this.setWholeImage(), submit: () => this.askSubmit(),
  });
  notices = new Notices();
  questions = new QuestionPanel({
    api: () => this.open.draft, answer: (number, answer) => this.open.editor.answerQuestion(number, answer),
    flush: () => this.session?.queue?.flush() ?? Promise.resolve(), undo: () => this.travel("undo"), look: (place) => this.look(place),
    nameOf: (id) => this.open.editor.nameOf(id), may: () => this.mayPaint(), onOpen: () => this.onQuestions(),
  });

  // while there is a draft
  /** @type {Painting | null} */ painting = null;
  /** @type {DraftSession | null} */ session = null;
  /** @type {SaveState} */ save = { state: "opening", detail: null };
  whole = false; // whether all of the image counts as right
  coverageShown = false;
  panning = false; // while the space bar is held

  /** @param {EmViewer} viewer whose props are AnnotatorProps */
  constructor(viewer) {
    this.viewer = viewer;
    this.classList = new ClassList({
      choose: (id) => this.choose({ classId: id }), lock: (id) => this.lock(id), toggle: (id) => viewer.toggleClass(id),
      toggleLayer: (index) => viewer.toggleLayer(index), giveIds: (id) => this.giveIds(id), close: () => viewer.setLegend(false),
    });
    this.parts = {
      toolRow: this.bar.element, toolbarStart: this.bar.steps, toolbarEnd: this.bar.saving,
      overStage: [this.classList.element, this.questions.element, this.notices.element], dialogs: [this.notices.dialog],
    };
  }

  get props() {
    return /** @type {AnnotatorProps} */ (this.viewer.props);
  }

  onBuilt() {
    this.windowHeight = new WindowHeight(this.viewer.element);
    this.abort = new AbortController();
    window.addEventListener("keydown", (event) => this.onCommandKey(event), { capture: true, signal: this.abort.signal });
  }

  /** @param {ViewerProps} earlier */
  onUpdate(earlier) {
    const { props } = this;
    const before = /** @type {AnnotatorProps} */ (earlier);
    if (props.draft_id !== before.draft_id && props.image_id === before.image_id && this.viewer.image) this.openDraft();
    if (props.focus?.token !== before.focus?.token) this.fly();
  }

  onShown() {
    this.openDraft();
  }

  onPlaced() {
    if (this.props.focus) this.fly();
  }

  onClosing() {
    this.closeDraft();
  }

  onReload() {
    this.painting?.retry();
  }

  /**
   * What is painted, over the label maps below it.
   * @param {number} row
   * @param {number} col
   */
  labelAt(row, col) {
    return this.painting?.labels.idAt(row, col);
  }

  /** What the server knows of a pixel's class is not the draft. */
  topId() {
    return null;
  }

  // --- the draft

  openDraft() {
    this.closeDraft();
    this.whole = false;
    this.save = { state: "opening", detail: null };
    const { viewer, props } = this;
    const { image, base, connection } = viewer;
    if (!image || !base || !connection) return;
    const painting = new Painting({ viewer, image, base, connection }, {
      onStep: (stroke) => this.onStep(stroke), onTouch: (tile) => this.session?.queue?.touch(tile),
      onTrouble: (text) => this.notices.say(text), onTooFar: (text) => this.notices.say(text), onBusy: () => this.showPaint(),
      onSize: (up) => this.resize(up), onPick: (id) => { if (id !== null && id !== 255) this.choose({ classId: id, tool: "brush" }); },
      onFlush: () => this.session?.queue?.flush() ?? Promise.reject(new Error("The draft is not open.")),
      mayPaint: () => this.mayPaint(), isPanning: () => this.panning || Boolean(viewer.scale?.isOpen),
    });
    this.painting = painting;
    const { choice } = painting.editor;
    Object.assign(choice, this.paintSettings.values);
    if (TOOL[choice.tool]?.confirms) this.coverageShown = true;
    if (!this.paintable.some((item) => item.id === choice.classId)) choice.classId = viewer.classes[0]?.id ?? 0;
    this.session = new DraftSession({ root: props.root, draftId: props.draft_id, author: props.author, events: {
      onOpen: (draft, api) => this.onDraft(painting, draft, api), onState: (state, detail) => this.onSession(state, detail),
      onSaved: (answer) => this.onSaved(answer), onAsk: (count) => this.notices.askWaiting(count),
    } });
    this.session.open(painting.tiles);
    viewer.applyLook();
  }

  get paintable() {
    return [BACKGROUND, ...this.viewer.classes];
  }

  /** What is painted on. */
  get open() {
    if (!this.painting) throw new Error("The draft is not open.");
    return this.painting;
  }

  closeDraft() {
    this.questions.reset();
    this.session?.close();
    this.painting?.close();
    this.session = this.painting = null;
  }

  /**
   * @param {Painting} painting
   * @param {Draft} draft
   * @param {DraftApi} api
   */
  onDraft(painting, draft, api) {
    this.whole = Boolean(draft.whole_image);
    painting.start(draft, api);
    this.notices.unblock();
    this.viewer.surface.after(this.questions.mark);
    this.viewer.applyLook();
  }

  /**
   * @param {SessionState} state
   * @param {Problem | null} detail
   */
  onSession(state, detail) {
    this.save = { state, detail };
    if (state === "held") {
      const who = detail?.holder?.name || "Another person";
      this.notices.block(`${who} is editing this draft in another tab or browser.`, detail?.remedy, "Take over", () => this.session?.takeOver());
    } else if (state === "closed") {
      this.notices.block(detail?.message ?? "This draft is submitted.", detail?.remedy ?? "Open another draft to continue.");
    } else if (detail && (state === "stopped" || state === "offline")) {
      this.notices.say(`Not saved: ${detail.message} ${detail.remedy ?? ""} Your changes are kept in this browser.`, true);
    }
    this.showPaint();
  }

  /** @param {TilesAnswer} answer */
  onSaved(answer) {
    if (this.painting) this.painting.version = answer.version;
    this.showPaint();
  }

  /** @param {Step} stroke */
  onStep(stroke) {
    this.session?.queue?.commit(stroke);
    if (this.questions.isOpen && (stroke.tool === "undo" || stroke.tool === "redo")) this.questions.load(false);
    this.viewer.readout?.refresh(); // the class under a pointer at rest may be another one now
    this.showPaint();
  }

  mayPaint() {
    if (!this.session?.isOpen || !this.painting?.started) return false;
    if (!this.painting.labels.visible) this.viewer.change({ overlay: true });
    return this.painting.editor.busy === 0;
  }

  async setWholeImage() {
    const { session } = this;
    if (!session?.isOpen) return;
    try {
      await session.wholeImage(!this.whole);
      if (this.session !== session) return; // another draft was opened meanwhile
      this.whole = !this.whole;
      this.notices.say(this.whole ? "The whole image is confirmed. Every pixel is used for training." : "The whole image is no longer confirmed: only the regions that you confirmed count.");
    } catch (error) {
      this.notices.say(`Saving failed: ${messageOf(error)}`);
    }
    this.viewer.applyLook();
  }

  /**
   * Give each piece of a class an object id; the draft is then shown anew, so that undo begins anew too.
   * @param {number} classId
   */
  async giveIds(classId) {
    const { session, painting } = this;
    if (!session?.isOpen || !painting || painting.editor.busy) return;
    painting.editor.setBusy(1);
    try {
      const { count, draft, api } = await session.giveIds(classId);
      if (this.session !== session) return; // another draft was opened meanwhile
      painting.start(draft, api);
      this.notices.say(`${count.toLocaleString("en")} ${count === 1 ? "piece has" : "pieces have"} an id now.`);
    } catch (error) {
      this.notices.say(`No ids were given: ${messageOf(error)} ${error instanceof Problem ? error.remedy : ""}`, true);
    } finally {
      painting.editor.setBusy(-1);
    }
  }

  async askSubmit() {
    const { session, painting, viewer } = this;
    if (!session?.isOpen || !painting) return;
    const note = await this.notices.askSubmit(painting.tiles.covered, this.whole, viewer.classes);
    if (note === null) return;
    try {
      const answer = await session.submit(note);
      viewer.tell("submitted", { revision_id: answer.revision_id, changes: answer.changes ?? {} });
    } catch (error) {
      this.notices.say(`Submission failed: ${messageOf(error)} ${error instanceof Problem ? error.remedy : ""}`, true);
    }
  }

  // --- choices

  /** @param {Partial<Choice>} values */
  choose(values) {
    if (!this.painting) return;
    const { editor, pointer } = this.painting;
    if (values.tool && values.tool !== editor.choice.tool) pointer.cancel();
    Object.assign(editor.choice, values);
    this.paintSettings.keep(editor.choice);
    pointer.ringAgain();
    this.showPaint();
  }

  /**
   * What is confirmed is shown as soon as a person begins to confirm; C hides it again.
   * @param {string} tool
   */
  chooseTool(tool) {
    this.choose({ tool });
    if (TOOL[tool].confirms && !this.coverageShown) this.toggleCoverage();
  }

  /** @param {boolean} up */
  resize(up) {
    if (this.painting) this.choose({ size: nextSize(this.painting.editor.choice.size, up) });
  }

  /** @param {number} id */
  lock(id) {
    if (!this.painting) return;
    const { locked } = this.painting.editor;
    locked[id] = locked[id] ? 0 : 1;
    this.showPaint();
  }

  toggleAlone() {
    if (this.painting) this.choose({ alone: !this.painting.editor.choice.alone });
  }

  toggleCoverage() {
    this.coverageShown = !this.coverageShown;
    this.viewer.applyLook();
  }

  /** @type {NonNullable<Guest["keys"]>} */
  keys(viewers) {
    const { actions } = this.viewer;
    const own = { ...viewers };
    for (const key of ["c", "b", "l", "f", "r", "a", "0"]) delete own[key];
    for (const tool of TOOLS) own[tool.key] = () => this.chooseTool(tool.name);
    for (let digit = 0; digit <= 9; digit += 1) {
      own[digit] = () => {
        if (this.questions.isOpen && digit >= 1 && digit <= 3) return digit === 3 ? this.questions.skip() : this.questions.answer(digit === 1 ? "one" : "two");
        const item = this.paintable.find((each) => each.key === String(digit));
        return item ? this.choose({ classId: item.id }) : false;
      };
    }
    return Object.assign(own, {
      "[": () => this.resize(false), "]": () => this.resize(true), u: () => this.travel("undo"), y: () => this.travel("redo"),
      c: () => this.toggleCoverage(), n: actions.toggleAdjust, d: actions.toggleLegend, Home: actions.fit, ";": () => this.toggleAlone(), F2: () => this.questions.toggle(),
      Enter: () => this.painting?.pointer.closePolygon(null) ?? false, Backspace: () => this.painting?.pointer.removeCorner() ?? false,
    });
  }

  /** @type {NonNullable<Guest["heldKeys"]>} */
  heldKeys() {
    const { viewer } = this;
    return {
      " ": (down) => { this.panning = down; viewer.element.classList.toggle("panning", down); },
      Tab: (down) => viewer.peek(down),
    };
  }

  /**
   * Undo and redo by the usual keys, under the same conditions as all others.
   * @param {KeyboardEvent} event
   */
  onCommandKey(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    const action = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : null;
    if (!action || !this.viewer.shortcuts.isActive(event.composedPath())) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.travel(action);
  }

  /**
   * Undo or redo. While a stroke is being painted there is only that to be undone: what lies under it must not move.
   * @param {"undo" | "redo"} action
   */
  travel(action) {
    if (!this.painting) return;
    const { editor, pointer } = this.painting;
    if (!pointer.stroke) editor[action]();
    else if (action === "undo") pointer.cancel();
  }

  escape() {
    if (this.painting?.pointer.cancel()) return true;
    if (!this.questions.isOpen) return false;
    this.questions.close();
    return true;
  }

  // --- looks

  /** @type {NonNullable<Guest["onLook"]>} */
  onLook(look) {
    this.painting?.setLook({ ...look, coverage: this.coverageShown && !this.viewer.state.peek });
  }

  onState() {
    this.showPaint();
  }

  showPaint() {
    const { viewer, painting, whole } = this;
    const { image } = viewer;
    if (!painting || !image) return;
    const { editor, history, tiles } = painting;
    const { choice } = editor;
    viewer.element.dataset.tool = choice.tool;
    viewer.element.classList.toggle("whole-image", whole && this.coverageShown);
    this.bar.show({
      choice, canUndo: history.canUndo, canRedo: history.canRedo, busy: editor.busy > 0, coverage: this.coverageShown, whole, questions: this.questions.isOpen,
      save: this.save.state, saveDetail: this.save.detail?.message, nm: image.pixel_size_nm, open: Boolean(this.session?.isOpen),
    });
    this.classList.element.hidden = !viewer.legendOpen;
    this.classList.show({
      classes: [...viewer.classes, BACKGROUND], safe: viewer.safe, chosen: choice.classId, locked: editor.locked, hidden: viewer.state.hidden,
      covered: tiles.covered, whole, coverage: this.coverageShown, total: image.width_px * image.height_px, layers: viewer.layers,
      objects: viewer.settings.get("objects") && painting.started ? painting.objects.classes : null,
    });
  }

  /** @type {NonNullable<Guest["onDraw"]>} */
  onDraw(view) {
    this.painting?.draw(view);
    this.questions.draw(view);
  }

  /** Go to the place that Python asks for, and outline it. */
  fly() {
    const { viewer } = this;
    const { focus } = this.props;
    this.painting?.preview.showFocus(focus ?? null);
    if (!focus || !viewer.placed) return;
    const box = viewer.surface.getBoundingClientRect();
    viewer.base?.goTo(viewOfPlace(focus, box.width, box.height));
  }

  /** The questions were opened, or closed: two objects of one colour are told apart by their shades. */
  onQuestions() {
    if (this.questions.isOpen && !this.viewer.settings.get("objects")) this.viewer.prefer("objects", true);
    this.showPaint();
  }

  /**
   * Go to a part of the image.
   * @param {Omit<Place, "token">} place
   */
  look(place) {
    const box = this.viewer.surface.getBoundingClientRect();
    this.viewer.base?.goTo(viewOfPlace(place, box.width, box.height));
  }

  close() {
    this.abort?.abort();
    this.windowHeight?.close();
  }
}
