// Panes that compare label maps of one image: a guest of the viewer that shows its picture several times.

import { GONE } from "../overlays.js";
import { viewOfPlace } from "../place.js";
import { ErrorKey } from "./error_key.js";
import { Flicker } from "./flicker.js";
import { PairReadout } from "./pair_readout.js";
import { PaneGrid } from "./pane_grid.js";
import { isStacked, stackedHeight } from "./pane_layout.js";
import { PaneOverlays } from "./pane_overlays.js";
import { panesOf } from "./pane_plan.js";
import { PANES_HELP } from "./panes_help.js";
import { storyOf } from "./stories.js";
import { Swipe } from "./swipe.js";

/** @import { EmViewer } from "../em_viewer.js" */
/** @import { Guest } from "../guest.js" */
/** @import { PanesProps, ViewerProps } from "../messages.js" */
/** @import { GridEvents } from "./pane_grid.js" */

const CHROME_PX = 72; // tools and status line

/** @implements {Guest} */
export class LinkedPanes {
  className = "panes-viewer";
  help = PANES_HELP;
  listsLayers = false;
  isSilent = true;
  errorKey = new ErrorKey();
  /** @type {Map<string, string>} maps that the server no longer has, by their sides, with its words */
  gone = new Map();
  /** @type {PaneOverlays | null} */ overlays = null;
  /** @type {Swipe | Flicker | null} */ tool = null;
  /** @type {string | undefined} */ pointedSide = undefined; // another map than the usual two, under the pointer
  refit = false; // whether the whole image is to be fitted once OpenSeadragon knows the panes' size

  /** @param {EmViewer} viewer whose props are PanesProps */
  constructor(viewer) {
    this.viewer = viewer;
    this.grid = new PaneGrid(viewer.surface, viewer.labels, {
      onPoint: (pane, clientX, clientY) => this.onPoint(pane, clientX, clientY),
      onLeave: () => viewer.readout?.leave(),
    });
    this.parts = { underStage: this.grid.element, legendEnd: this.errorKey.element };
    this.rooms = new ResizeObserver(() => this.share());
  }

  get props() {
    return /** @type {PanesProps} */ (this.viewer.props);
  }

  onBuilt() {
    this.arrange();
    this.rooms.observe(this.grid.element);
  }

  /** @param {ViewerProps} earlier */
  onUpdate(earlier) {
    const { props } = this;
    const before = /** @type {PanesProps} */ (earlier);
    if (planKey(props) !== planKey(before)) this.arrange();
    if (props.error_class !== before.error_class) this.overlays?.setErrorClass(props.error_class);
    this.fitHeight();
    this.viewer.showState();
    if (props.focus?.token !== before.focus?.token) this.fly();
  }

  get story() {
    return storyOf(this.props);
  }

  // --- panes

  /** Make the panes that are wanted; the view stays, and a whole image stays whole. */
  arrange() {
    const { mode } = this.props;
    this.tool?.close();
    this.tool = null;
    this.grid.show(panesOf(this.props, this.gone));
    const [lead] = this.grid.panes;
    lead.element.append(this.viewer.scaleBar.element);
    if (lead.sides.size === 2) this.tool = mode === "swipe" ? new Swipe(lead, this.story.titles) : new Flicker(lead, this.story.titles);
    this.overlays?.placeCanvases();
    this.fitHeight();
    this.share();
    if (this.overlays) this.viewer.applyLook();
  }

  get aspect() {
    const { image } = this.viewer;
    return image ? image.height_px / image.width_px : 1;
  }

  get stacked() {
    return isStacked(this.grid.panes.length, this.viewer.element.clientWidth) && document.fullscreenElement === null;
  }

  /** Stacked panes take the height that they need. */
  fitHeight() {
    const { stacked } = this;
    const height = stacked ? stackedHeight(this.grid.panes.length, this.viewer.element.clientWidth, this.aspect) + CHROME_PX : this.props.height;
    this.viewer.element.style.setProperty("--viewer-height", `${height}px`);
  }

  share() {
    const { base, placed } = this.viewer;
    const whole = placed && Boolean(base?.isFitted);
    if (this.grid.fit(this.aspect, this.stacked) && whole) this.refit = true;
    this.viewer.requestDraw();
  }

  onResize() {
    this.fitHeight();
  }

  /** @type {NonNullable<Guest["makeOverlays"]>} */
  makeOverlays(events) {
    const { api, image } = this.viewer;
    if (!image) throw new Error("There is no image to compare.");
    const overlays = new PaneOverlays(api, image, this.grid, { ...events, onGone: (id) => this.onGone(id) });
    overlays.setErrorClass(this.props.error_class);
    this.overlays = overlays;
    return overlays;
  }

  /** @type {NonNullable<Guest["makeReadout"]>} */
  makeReadout(onClass) {
    return new PairReadout(this.viewer, this.viewer.status, onClass, this);
  }

  onImage() {
    this.fitHeight();
    this.share();
  }

  /** @type {NonNullable<Guest["onShown"]>} */
  onShown(osd) {
    if (this.viewer.base) this.grid.connect(osd, this.viewer.base);
  }

  onClosing() {
    this.grid.disconnect();
  }

  onClosed() {
    this.overlays = null;
    if (this.viewer.closed) return;
    this.gone.clear();
    this.arrange();
  }

  onPlaced() {
    if (this.props.focus) this.fly();
  }

  beforeDraw() {
    const { base } = this.viewer;
    if (!this.refit || !base?.hasSize(this.grid.width, this.grid.height)) return;
    this.refit = false;
    base.fit(true);
  }

  /** @type {NonNullable<Guest["onDraw"]>} */
  onDraw(view) {
    this.grid.draw(view);
  }

  /** @type {GridEvents["onPoint"]} */
  onPoint(pane, clientX, clientY) {
    const { readout } = this.viewer;
    const other = [...pane.sides.keys()].find((name) => name.startsWith("other"));
    if (other !== this.pointedSide) readout?.leave();
    this.pointedSide = other;
    readout?.moveTo(clientX, clientY);
  }

  /**
   * A map was deleted: said in the place of its pane.
   * @param {string} revision
   */
  onGone(revision) {
    const side = this.overlays?.entries.find((entry) => entry.id === revision)?.side;
    if (!side || this.gone.has(side)) return;
    this.gone.set(side, GONE);
    this.arrange();
  }

  /** Go to the place that Python asks for, and outline it. */
  fly() {
    const { focus } = this.props;
    this.grid.focus(focus ?? null);
    if (focus && this.viewer.placed) this.viewer.base?.goTo(viewOfPlace(focus, this.grid.width, this.grid.height));
  }

  // --- looks and keys

  onState() {
    const { classes, safe, adjust } = this.viewer;
    const { error_class: id } = this.props;
    const name = id === null ? null : (classes.find((item) => item.id === id)?.name ?? `class ${id}`);
    const [example] = classes;
    this.errorKey.show(name, Boolean(this.overlays?.errors), (safe ? example?.safe_color : example?.color) ?? "currentColor", this.story);
    this.grid.setFilter(adjust?.filter() ?? "");
  }

  /** @type {NonNullable<Guest["keys"]>} */
  keys(own) {
    return { ...own, k: () => (this.tool instanceof Flicker ? this.tool.toggle() : false) };
  }

  /** @type {NonNullable<Guest["heldKeys"]>} */
  heldKeys(own) {
    return { ...own, t: (down) => { if (this.tool instanceof Flicker) this.tool.hold(down); } };
  }

  close() {
    this.tool?.close();
    this.tool = null;
    this.rooms.disconnect();
  }
}

/** @param {PanesProps} props */
function planKey({ mode, panes, layers, story, names }) {
  return JSON.stringify([mode, panes, story, names, layers.map((layer) => [layer.side, layer.name])]);
}
