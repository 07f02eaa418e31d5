// The annotator: the viewer with a draft to paint on. It decides what each tool and key does.

import { EmViewer } from "../em_viewer.js";
import { HelpSheet } from "../help_sheet.js";
import { viewOfPlace } from "../place.js";
import { ClassList } from "./class_list.js";
import { DraftSession } from "./draft_session.js";
import { Notices } from "./notices.js";
import { PaintBar } from "./paint_bar.js";
import { PAINT_HELP } from "./paint_help.js";
import { Painting } from "./painting.js";
import { PaintSettings } from "./paint_settings.js";
import { nextSize, TOOL, TOOLS } from "./tools.js";
import { WindowHeight } from "./window_height.js";

const BACKGROUND = { id: 0, name: "Background", color: "#8a8f98", safe_color: "#8a8f98", key: "0" };

export class Annotator extends EmViewer {
  /** @param props as of EmViewer, and draft_id, author, focus: {row, column, height_px, width_px, token} | null */
  build() {
    super.build();
    this.element.classList.add("annotator");
    this.paintSettings = new PaintSettings();
    this.bar = new PaintBar({
      choose: (name) => this.chooseTool(name), set: (name, value) => this.choose({ [name]: value }),
      undo: () => this.travel("undo"), redo: () => this.travel("redo"),
      toggleCoverage: () => this.toggleCoverage(), wholeImage: () => this.setWholeImage(), submit: () => this.askSubmit(),
    });
    this.classList = new ClassList({
      choose: (id) => this.choose({ classId: id }), lock: (id) => this.lock(id), toggle: (id) => this.toggleClass(id),
      toggleLayer: (index) => { this.overlays?.toggleLayer(index); this.showState(); }, close: () => this.setLegend(false),
    });
    this.notices = new Notices();
    this.help.element.remove();
    this.help = new HelpSheet(() => this.setHelp(false), PAINT_HELP);
    this.toolbar.element.after(this.bar.element);
    this.toolbar.element.querySelector(".space").before(this.bar.steps);
    this.toolbar.element.querySelector(".space").after(this.bar.saving);
    this.stage.append(this.classList.element, this.notices.element);
    this.element.append(this.help.element, this.notices.dialog);
    this.retip();
    this.windowHeight = new WindowHeight(this.element);
    this.onCommand = (event) => this.onCommandKey(event);
    window.addEventListener("keydown", this.onCommand, { capture: true });
  }

  /** Keys of the viewer that mean something else here. */
  retip() {
    const { adjust, fullScreen, scale } = this.toolbar.buttons;
    scale.dataset.tip = "Set the scale on the image's scale bar";
    adjust.dataset.tip = "Brightness and contrast  (N)";
    fullScreen.dataset.tip = "Full screen";
    const fit = this.toolbar.element.querySelector('[aria-label="Fit to window"]');
    if (fit) fit.dataset.tip = "Fit to window  (Home)";
  }

  update(props, first = false) {
    const before = this.props;
    super.update(props, first);
    if (first) return;
    if (props.draft_id !== before.draft_id && props.image_id === before.image_id && this.image) this.openDraft();
    if (props.focus?.token !== before.focus?.token) this.fly();
  }

  showImage(osd, image) {
    super.showImage(osd, image);
    Object.defineProperty(this.overlays, "topId", { get: () => null }); // what the pixel route knows is not the draft
    const below = this.overlays.labelAt.bind(this.overlays);
    this.overlays.labelAt = (row, col) => this.painting?.labels.idAt(row, col) ?? below(row, col);
    this.openDraft();
  }

  closeImage() {
    this.closeDraft();
    super.closeImage();
  }

  onOpen() {
    const first = !this.placed;
    super.onOpen();
    if (first && this.props.focus) this.fly();
  }

  reload() {
    super.reload();
    this.painting?.retry();
  }

  // --- the draft

  openDraft() {
    this.closeDraft();
    this.whole = false;
    this.save = { state: "opening", detail: null };
    this.painting = new Painting(this, {
      onStep: (stroke) => this.onStep(stroke), onTouch: (tile) => this.session.queue?.touch(tile),
      onTrouble: (text) => this.notices.say(text), onTooFar: (text) => this.notices.say(text), onBusy: () => this.showPaint(),
      onSize: (up) => this.resize(up), onPick: (id) => { if (id !== null && id !== 255) this.choose({ classId: id, tool: "brush" }); },
      mayPaint: () => this.mayPaint(), isPanning: () => Boolean(this.panning || this.scale?.isOpen),
    });
    Object.assign(this.painting.editor.choice, this.paintSettings.values);
    if (TOOL[this.painting.editor.choice.tool]?.vouches) this.coverageShown = true;
    if (![BACKGROUND, ...this.classes].some((item) => item.id === this.painting.editor.choice.classId)) {
      this.painting.editor.choice.classId = this.classes[0]?.id ?? 0;
    }
    this.session = new DraftSession({ root: this.props.root, draftId: this.props.draft_id, author: this.props.author, events: {
      onOpen: (draft) => this.onDraft(draft), onState: (state, detail) => this.onSession(state, detail),
      onSaved: (answer) => this.onSaved(answer), onAsk: (count) => this.notices.askWaiting(count),
    } });
    this.session.open(this.painting.tiles);
    this.applyLook();
  }

  closeDraft() {
    this.session?.close();
    this.painting?.close();
    this.session = this.painting = null;
  }

  onDraft(draft) {
    this.whole = Boolean(draft.whole_image);
    this.painting.start(draft, this.session.api);
    this.notices.unblock();
    this.applyLook();
  }

  onSession(state, detail) {
    this.save = { state, detail };
    if (state === "held") {
      const who = detail?.holder?.name || "Somebody";
      this.notices.block(`${who} is painting on this draft in another tab or browser.`, detail?.remedy, "Take over", () => this.session.takeOver());
    } else if (state === "closed") {
      this.notices.block(detail?.message ?? "This draft is submitted.", detail?.remedy ?? "Open another draft to go on.");
    } else if (state === "stopped" || (state === "offline" && detail)) {
      this.notices.say(`Not saved: ${detail.message} ${detail.remedy ?? ""} What you painted is kept in this browser.`, true);
    }
    this.showPaint();
  }

  onSaved(answer) {
    this.painting.version = answer.version;
    this.showPaint();
  }

  onStep(stroke) {
    this.session.queue?.commit(stroke);
    this.readout?.refresh(); // the class under a pointer at rest may be another one now
    this.showPaint();
  }

  mayPaint() {
    if (!this.session?.isOpen || !this.painting?.started) return false;
    if (!this.painting.labels.visible) this.change({ overlay: true });
    return this.painting.editor.busy === 0;
  }

  async setWholeImage() {
    if (!this.session?.isOpen) return;
    try {
      await this.session.wholeImage(!this.whole);
      this.whole = !this.whole;
      this.notices.say(this.whole ? "The whole image counts as right now. Every pixel goes into training." : "Only what you have vouched for counts again.");
    } catch (error) {
      this.notices.say(`That could not be saved: ${error.message}`);
    }
    this.applyLook();
  }

  async askSubmit() {
    if (!this.session?.isOpen) return;
    const note = await this.notices.askSubmit(this.painting.editor, this.painting.tiles.covered, this.whole, this.classes);
    if (note === null) return;
    try {
      const answer = await this.session.submit(note);
      this.emit("submitted", { revision_id: answer.revision_id, changes: answer.changes ?? {} });
    } catch (error) {
      this.notices.say(`It was not submitted: ${error.message} ${error.remedy ?? ""}`, true);
    }
  }

  // --- choices

  choose(values) {
    if (!this.painting) return;
    const { editor, pointer } = this.painting;
    if (values.tool && values.tool !== editor.choice.tool) pointer.cancel();
    Object.assign(editor.choice, values);
    this.paintSettings.keep(editor.choice);
    pointer.ringAgain();
    this.showPaint();
  }

  /** What is vouched for is seen from the moment on that somebody begins to vouch; C hides it again. */
  chooseTool(tool) {
    this.choose({ tool });
    if (TOOL[tool].vouches && !this.coverageShown) this.toggleCoverage();
  }

  resize(up) {
    if (this.painting) this.choose({ size: nextSize(this.painting.editor.choice.size, up) });
  }

  lock(id) {
    const { locked } = this.painting.editor;
    locked[id] = locked[id] ? 0 : 1;
    this.showPaint();
  }

  toggleCoverage() {
    this.coverageShown = !this.coverageShown;
    this.applyLook();
  }

  keys() {
    const own = super.keys();
    for (const key of ["c", "b", "l", "f", "r", "a", "0"]) delete own[key];
    for (const tool of TOOLS) own[tool.key] = () => this.chooseTool(tool.name);
    const actions = this.actions();
    const number = (key) => [BACKGROUND, ...this.classes].find((item) => item.key === key);
    for (let digit = 0; digit <= 9; digit += 1) {
      own[digit] = () => { const item = number(String(digit)); return item ? this.choose({ classId: item.id }) : false; };
    }
    return Object.assign(own, {
      "[": () => this.resize(false), "]": () => this.resize(true), u: () => this.travel("undo"), y: () => this.travel("redo"),
      c: () => this.toggleCoverage(), n: actions.toggleAdjust, d: actions.toggleLegend, Home: actions.fit, a: () => {},
      Enter: () => this.painting?.pointer.closePolygon(null) ?? false, Backspace: () => this.painting?.pointer.removeCorner() ?? false,
    });
  }

  heldKeys() {
    return {
      " ": (down) => { this.panning = down; this.element.classList.toggle("panning", down); },
      Tab: (down) => this.peek(down),
    };
  }

  /** Undo and redo by the usual keys, under the same conditions as all others. */
  onCommandKey(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    const action = key === "y" || (key === "z" && event.shiftKey) ? "redo" : key === "z" ? "undo" : null;
    if (!action || !this.shortcuts.isActive({ composedPath: () => event.composedPath() })) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    this.travel(action);
  }

  /** Undo or redo. While a stroke is being painted there is only that to be undone: what lies under it must not move. */
  travel(action) {
    if (!this.painting) return;
    const { editor, pointer } = this.painting;
    if (!pointer.stroke) editor[action]();
    else if (action === "undo") pointer.cancel();
  }

  escape() {
    if (this.state.help || this.state.adjust || this.scale?.isOpen) return super.escape();
    if (this.painting?.pointer.cancel()) return true;
    return super.escape();
  }

  // --- looks

  applyLook() {
    super.applyLook();
    const { hidden, isolated, hovered, overlay, peek } = this.state;
    this.painting?.setLook({
      classes: this.classes, palette: this.settings.get("palette"), hidden, isolated, hovered, outline: this.settings.get("outline"),
      opacity: this.settings.get("opacity"), shown: overlay && !peek, coverage: Boolean(this.coverageShown) && !peek,
    });
  }

  showState() {
    super.showState();
    this.toolbar.overlayGroup.hidden = false;
    this.toolbar.buttons.legend.hidden = false;
    this.legend.element.hidden = true;
    this.showPaint();
  }

  showPaint() {
    if (!this.painting) return;
    const { editor, history, tiles } = this.painting;
    const { choice } = editor;
    this.element.dataset.tool = choice.tool;
    this.element.classList.toggle("whole-image", this.whole && Boolean(this.coverageShown));
    this.bar.show({
      choice, canUndo: history.canUndo, canRedo: history.canRedo, busy: editor.busy > 0, coverage: this.coverageShown, whole: this.whole,
      save: this.save.state, saveDetail: this.save.detail?.message, nm: this.image?.pixel_size_nm, open: Boolean(this.session?.isOpen),
    });
    this.classList.element.hidden = !this.legendOpen;
    this.classList.show({
      classes: [...this.classes, BACKGROUND], safe: this.safe, chosen: choice.classId, locked: editor.locked, hidden: this.state.hidden,
      covered: tiles.covered, whole: this.whole, coverage: Boolean(this.coverageShown), total: this.image.width_px * this.image.height_px,
      layers: (this.overlays?.entries ?? []).map(({ name, visible }) => ({ name, visible })),
    });
  }

  draw() {
    super.draw();
    if (this.base?.isOpen && this.placed) this.painting?.draw(this.base.view());
  }

  /** Go to the place that Python asks for, and outline it. */
  fly() {
    const { focus } = this.props;
    this.painting?.preview.showFocus(focus ?? null);
    if (!focus || !this.placed) return;
    const box = this.surface.getBoundingClientRect();
    this.base.goTo(viewOfPlace(focus, box.width, box.height));
  }

  close() {
    window.removeEventListener("keydown", this.onCommand, { capture: true });
    this.windowHeight.close();
    super.close();
  }
}
