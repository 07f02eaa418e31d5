// Panes that compare label maps of one image: the viewer, with its picture shown several times.

import { EmViewer, GONE } from "../em_viewer.js";
import { HelpSheet } from "../help_sheet.js";
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

const CHROME_PX = 72; // tools and status line

export class LinkedPanes extends EmViewer {
  /**
   * @param props see ui/viewer/compare.py: as of EmViewer, layers with a side each; mode, panes, error_class,
   *   focus: {row, column, height_px, width_px, token} | null
   */
  build() {
    super.build();
    this.element.classList.add("panes-viewer");
    this.gone = new Map(); // maps that the server no longer has, with its words
    this.grid = new PaneGrid(this.surface, this.labels, {
      onPoint: (pane, clientX, clientY) => this.onPoint(pane, clientX, clientY),
      onLeave: () => this.readout?.leave(),
    });
    this.stage.prepend(this.grid.element);
    this.help.element.remove();
    this.help = new HelpSheet(() => this.setHelp(false), PANES_HELP);
    this.element.append(this.help.element);
    this.errorKey = new ErrorKey();
    this.legend.element.append(this.errorKey.element);
    this.arrange();
    this.rooms = new ResizeObserver(() => this.share());
    this.rooms.observe(this.grid.element);
  }

  /** Nothing that happens here is Python's business. */
  get emit() {
    return () => {};
  }

  set emit(_) {}

  update(props, first = false) {
    const before = this.props;
    super.update(props, first);
    if (first) return;
    if (planKey(props) !== planKey(before)) this.arrange();
    if (props.error_class !== before.error_class) this.overlays?.setErrorClass(props.error_class);
    this.fitHeight();
    this.showState();
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
    this.grid.panes[0].element.append(this.scaleBar.element);
    if (this.grid.panes[0].sides.size === 2) {
      this.tool = mode === "swipe" ? new Swipe(this.grid.panes[0], this.story.titles) : new Flicker(this.grid.panes[0], this.story.titles);
    }
    this.overlays?.placeCanvases();
    this.fitHeight();
    this.share();
    if (this.overlays) this.applyLook();
  }

  get aspect() {
    return this.image ? this.image.height_px / this.image.width_px : 1;
  }

  get stacked() {
    return isStacked(this.grid.panes.length, this.element.clientWidth) && document.fullscreenElement === null;
  }

  /** Stacked panes take the height that they need. */
  fitHeight() {
    const { stacked } = this;
    const height = stacked ? stackedHeight(this.grid.panes.length, this.element.clientWidth, this.aspect) + CHROME_PX : this.props.height;
    this.element.style.setProperty("--viewer-height", `${height}px`);
  }

  share() {
    const whole = this.placed && this.base.isFitted;
    if (this.grid.fit(this.aspect, this.stacked) && whole) this.refit = true;
    this.requestDraw();
  }

  onResize() {
    this.fitHeight();
    super.onResize();
  }

  makeOverlays(events) {
    const overlays = new PaneOverlays(this.api, this.image, this.grid, { ...events, onGone: (id) => this.onGone(id) });
    overlays.setErrorClass(this.props.error_class);
    return overlays;
  }

  makeReadout(onClass) {
    return new PairReadout(this, this.status, onClass);
  }

  showImage(osd, image) {
    this.image = image;
    this.fitHeight();
    this.share();
    super.showImage(osd, image);
    this.grid.connect(osd, this.base);
  }

  closeImage() {
    this.grid.disconnect();
    super.closeImage();
    if (this.closed) return;
    this.gone.clear();
    this.arrange();
  }

  onOpen() {
    const first = !this.placed;
    super.onOpen();
    if (first && this.props.focus) this.fly();
  }

  draw() {
    if (!this.base?.isOpen || !this.placed) return;
    if (this.refit && this.base.hasSize(this.grid.width, this.grid.height)) {
      this.refit = false;
      this.base.fit(true);
    }
    super.draw();
    this.grid.draw(this.base.view());
  }

  onPoint(pane, clientX, clientY) {
    const other = [...pane.sides.keys()].find((name) => name.startsWith("other"));
    if (other !== this.pointedSide) this.readout?.leave();
    this.pointedSide = other;
    this.readout?.moveTo(clientX, clientY);
  }

  /** A map was deleted: said in the place of its pane. */
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
    if (focus && this.placed) this.base.goTo(viewOfPlace(focus, this.grid.width, this.grid.height));
  }

  // --- looks and keys

  showState() {
    super.showState();
    this.legend.showLayers([]);
    const { error_class: id } = this.props;
    const name = id === null ? null : (this.classes.find((item) => item.id === id)?.name ?? `class ${id}`);
    const [example] = this.classes;
    this.errorKey.show(name, Boolean(this.overlays?.errors), (this.safe ? example?.safe_color : example?.color) ?? "currentColor", this.story);
    this.grid.setFilter(this.adjust?.filter() ?? "");
  }

  keys() {
    return { ...super.keys(), k: () => (this.tool instanceof Flicker ? this.tool.toggle() : false) };
  }

  heldKeys() {
    return { ...super.heldKeys(), t: (down) => { if (this.tool instanceof Flicker) this.tool.hold(down); } };
  }

  close() {
    this.tool?.close();
    this.tool = null;
    this.rooms.disconnect();
    super.close();
  }
}

function planKey({ mode, panes, layers, story, names }) {
  return JSON.stringify([mode, panes, story, names, layers.map((layer) => [layer.side, layer.name])]);
}
