// The viewer: puts image, overlays, tools and panels together, and decides what each action does.

import { AdjustPanel } from "./adjust_panel.js";
import { Api } from "./api.js";
import { BaseImage } from "./base_image.js";
import { Connection } from "./connection.js";
import { debounce, h } from "./dom.js";
import { HelpSheet } from "./help_sheet.js";
import { Legend } from "./legend.js";
import { loadOpenSeadragon } from "./openseadragon.js";
import { Overlays } from "./overlays.js";
import { Readout } from "./readout.js";
import { ScaleTool } from "./scale/scale_tool.js";
import { ScaleBar } from "./scale_bar.js";
import { ViewSettings } from "./settings.js";
import { Shortcuts } from "./shortcuts.js";
import { StatusLine } from "./status_line.js";
import { problemOf } from "./tile_store.js";
import { Toolbar } from "./toolbar.js";
import { enterView, keepView, leaveView, parseView, recallView } from "./view_url.js";

const ROOM_FOR_LEGEND_PX = 700;
const ADDRESS_WATCH_MS = 1000; // Streamlit drops the part after # whenever it changes the rest of the address
export const GONE = "This label map is not there any more."; // one that was being written went with its job: the page tells
const PAN_STEP_PX = 90;
const OPACITY_STEP = 0.1;

export class EmViewer {
  /**
   * @param host element to fill
   * @param props see ui/viewer/component.py: image_id, layers, classes, isolated, height, key, root, url_view
   * @param emit (name, value) => void: tells Python
   */
  constructor(host, props, emit) {
    Object.assign(this, { host, props, emit });
    this.api = new Api(props.root);
    this.settings = new ViewSettings(props.remember_as);
    this.state = { overlay: true, peek: false, confidence: false, hidden: new Set(), isolated: props.isolated ?? null, hovered: null, adjust: false, help: false };
    this.build();
    this.shortcuts = new Shortcuts(this.element, this.keys(), this.heldKeys());
    this.keepPlace = debounce(() => this.rememberPlace(), 250);
    this.onLink = () => this.followLink();
    window.addEventListener("hashchange", this.onLink);
    this.onReturn = () => { if (!document.hidden) this.refreshImage(); };
    document.addEventListener("visibilitychange", this.onReturn);
    window.addEventListener("focus", this.onReturn); // of two windows side by side neither is hidden
    this.addressWatch = setInterval(() => this.rememberPlace(), ADDRESS_WATCH_MS);
    this.resizes = new ResizeObserver(() => this.onResize());
    this.resizes.observe(this.element);
    this.update(props, true);
  }

  build() {
    this.toolbar = new Toolbar(this.actions());
    this.legend = new Legend({
      toggle: (id) => this.toggleClass(id),
      isolate: (id) => this.isolate(this.state.isolated === id ? null : id),
      hover: (id) => this.hover(id),
      toggleLayer: (index) => {
        this.overlays?.toggleLayer(index);
        this.showState();
      },
      close: () => this.setLegend(false),
    });
    this.status = new StatusLine();
    this.scaleBar = new ScaleBar();
    this.help = new HelpSheet(() => this.setHelp(false));
    this.surface = h("div", { class: "surface", tabindex: 0, role: "application", "aria-label": "Micrograph; press ? for keys" });
    this.labels = h("div", { class: "labels" });
    this.progress = h("div", { class: "progress", role: "progressbar", "aria-label": "Segmentation", hidden: true }, h("i", {}));
    this.progressText = h("div", { class: "progress-text", hidden: true });
    this.message = h("div", { class: "message" }, h("i", { class: "spinner" }), h("span", {}, "Loading image…"));
    this.stage = h("div", { class: "stage" }, this.surface, this.progress, this.progressText, this.scaleBar.element,
      this.legend.element, this.message);
    this.element = h("div", { class: "viewer" }, this.toolbar.element, this.stage, this.status.element, this.help.element);
    this.host.append(this.element);
    this.surface.addEventListener("pointermove", (event) => this.readout?.moveTo(event.clientX, event.clientY));
    this.surface.addEventListener("pointerleave", () => this.readout?.leave());
    this.element.addEventListener("fullscreenchange", () => this.showState());
  }

  /** New props from Python. */
  update(props, first = false) {
    const before = this.props;
    this.props = props;
    if (props.height) this.element.style.setProperty("--viewer-height", `${props.height}px`);
    if (first || props.isolated !== before.isolated) this.state.isolated = props.isolated ?? null;
    if (first || props.image_id !== before.image_id) {
      this.openImage();
      return;
    }
    if (props.pixel_size !== before.pixel_size) this.refreshImage();
    if (!this.overlays) return;
    this.overlays.setLayers(props.layers);
    this.applyLook();
  }

  async openImage() {
    const id = this.props.image_id;
    this.closeImage();
    this.addressed = this.props.url_view ? id : null;
    if (this.addressed) enterView(id);
    this.showMessage("Loading image…", true);
    try {
      const [osd, response] = await Promise.all([loadOpenSeadragon(), fetch(this.api.image(id), { cache: "no-store" })]);
      if (!response.ok) throw await problemOf(response);
      const image = await response.json();
      if (this.closed || this.props.image_id !== id) return;
      this.showImage(osd, image);
    } catch (error) {
      if (this.closed || this.props.image_id !== id) return;
      const cause = error.status ? error.message : "The server does not answer.";
      this.showMessage(`${cause} ${error.remedy ?? ""}`, false, () => this.openImage());
    }
  }

  /** The pixel size may have been changed since, here or in another tab. */
  async refreshImage() {
    const { image } = this;
    if (!image) return;
    try {
      const response = await fetch(this.api.image(image.id), { cache: "no-store" });
      if (!response.ok) return;
      const now = await response.json();
      if (this.image !== image || now.pixel_size_nm === image.pixel_size_nm) return;
      for (const name of ["pixel_size_nm", "pixel_size_source", "pixel_size_detail"]) image[name] = now[name];
      this.status.setImage(image);
      if (this.scale?.isOpen) this.scale.close();
      this.showState();
      this.requestDraw();
    } catch {
      // no answer: the image's tiles tell of that
    }
  }

  showImage(osd, image) {
    this.image = image;
    this.connection = new Connection(this.api.image(image.id), () => this.reload());
    this.adjust = new AdjustPanel(image, {
      filter: (css) => { this.base.setFilter(css); this.showState(); },
      window: (low, high) => { this.window = { low, high }; this.base.reload(); this.showState(); },
      close: () => this.setAdjust(false),
    });
    this.stage.append(this.connection.element, this.adjust.element);
    this.base = new BaseImage(osd, this.surface, image, (...tile) => this.api.imageTile(image.id, ...tile, this.window), {
      onOpen: () => this.onOpen(),
      onView: () => this.draw(),
      onTrouble: () => this.connection?.report(),
      onWell: () => this.connection?.well(),
    });
    this.base.viewer.canvas.append(this.labels);
    this.overlays = this.makeOverlays({
      onRedraw: () => this.requestDraw(),
      onTrouble: () => this.connection?.report(),
      onWell: () => this.connection?.well(),
      onState: (revision, state, previous) => this.onRevision(revision, state, previous),
      onGone: (revision, { writing }) => this.showProgress(null, writing ? "" : GONE),
    });
    if (this.props.scale_tool) {
      this.scale = new ScaleTool(this, {
        use: (line) => this.emit("scale_measured", line), changed: () => this.showState(),
      });
    }
    this.readout = this.makeReadout((classId) => this.legend.showUnder(classId));
    this.status.setImage(image);
    this.overlays.setLayers(this.props.layers);
    this.applyLook();
  }

  makeOverlays(events) {
    return new Overlays(this.api, this.image, this.labels, events);
  }

  makeReadout(onClass) {
    return new Readout(this, this.status, onClass);
  }

  onOpen() {
    this.message.hidden = true;
    this.base.showNavigator(this.settings.get("minimap"));
    this.base.setFilter(this.adjust.filter());
    if (this.placed) return; // tiles were fetched anew; the view stays
    if (this.props.scale_open) this.scale?.open();
    this.placed = true;
    const place = recallView(this.props.key, this.image.id, this.props.url_view);
    if (place) this.base.goTo(place, true);
    else this.base.fit(true);
  }

  // --- drawing

  /** In step with the image: called while OpenSeadragon draws a frame. */
  draw() {
    if (!this.base?.isOpen || !this.placed) return;
    cancelAnimationFrame(this.pending);
    this.pending = 0;
    const view = this.base.view();
    this.overlays.draw(view);
    const zoom = this.base.zoom(true);
    this.scaleBar.update(zoom, this.image.pixel_size_nm);
    this.scale?.draw();
    this.toolbar.setZoom(zoom);
    this.base.showNavigator(this.settings.get("minimap"));
    this.readout.again();
    this.keepPlace();
  }

  requestDraw() {
    this.pending ||= requestAnimationFrame(() => this.draw());
  }

  rememberPlace() {
    if (!this.base?.isOpen || !this.placed || this.closed) return;
    keepView(this.props.key, { ...this.base.place(), image: this.image.id }, this.props.url_view);
  }

  /** Somebody has put a link with another view into the address of this very page. */
  followLink() {
    const place = this.props.url_view ? parseView(window.location.hash) : null;
    if (this.placed && place?.image === this.image.id) this.base.goTo(place);
  }

  onResize() {
    this.element.classList.toggle("narrow", this.element.clientWidth < ROOM_FOR_LEGEND_PX);
    this.showState();
    this.requestDraw();
  }

  // --- looks

  get safe() {
    return this.settings.get("palette") === "safe";
  }

  get hasConfidence() {
    return this.overlays?.hasConfidence ?? false;
  }

  get classes() {
    return this.props.classes;
  }

  get legendOpen() {
    return this.settings.get("legend") ?? this.element.clientWidth >= ROOM_FOR_LEGEND_PX;
  }

  applyLook() {
    const { hidden, isolated, hovered, overlay, peek, confidence } = this.state;
    this.overlays?.setLook({
      classes: this.classes, palette: this.settings.get("palette"), hidden, isolated, hovered,
      outline: this.settings.get("outline"), opacity: this.settings.get("opacity"), shown: overlay && !peek, confidence,
    });
    this.showState();
  }

  showState() {
    const { state, settings } = this;
    const layers = this.overlays?.entries ?? [];
    this.toolbar.show({
      ...state, outline: settings.get("outline"), safe: this.safe, legend: this.legendOpen, map: settings.get("minimap"),
      adjust: state.adjust || Boolean(this.adjust?.changed), opacity: settings.get("opacity"),
      hasLabels: this.props.layers.length > 0, hasConfidence: this.hasConfidence,
      offersScale: Boolean(this.scale), measuring: Boolean(this.scale?.isOpen),
    });
    this.legend.element.hidden = !this.legendOpen || !this.props.layers.length;
    this.legend.show({
      classes: this.classes, safe: this.safe, hidden: state.hidden, isolated: state.isolated,
      areas: this.overlays?.areas ?? {}, layers: layers.map(({ name, visible }) => ({ name, visible })), confidence: state.confidence,
    });
  }

  change(values) {
    Object.assign(this.state, values);
    this.applyLook();
  }

  prefer(name, value) {
    this.settings.set(name, value);
    this.applyLook();
  }

  // --- actions

  actions() {
    return {
      zoomIn: () => this.base?.zoomBy(1.5),
      zoomOut: () => this.base?.zoomBy(1 / 1.5),
      fit: () => this.base?.fit(),
      actual: () => this.base?.goTo({ ...this.base.place(), zoom: 1 / (window.devicePixelRatio || 1) }),
      toggleOverlay: () => this.change({ overlay: !this.state.overlay }),
      toggleOutline: () => this.prefer("outline", !this.settings.get("outline")),
      toggleConfidence: () => this.change({ confidence: this.hasConfidence && !this.state.confidence }),
      togglePalette: () => this.prefer("palette", this.safe ? "standard" : "safe"),
      toggleAdjust: () => this.setAdjust(!this.state.adjust),
      toggleLegend: () => this.setLegend(!this.legendOpen),
      toggleMap: () => { this.prefer("minimap", !this.settings.get("minimap")); this.base?.showNavigator(this.settings.get("minimap")); },
      toggleHelp: () => this.setHelp(!this.state.help),
      toggleFullScreen: () => this.toggleFullScreen(),
      toggleScale: () => this.scale?.toggle(),
      setOpacity: (value) => this.prefer("opacity", Math.round(Math.min(1, Math.max(0, value)) * 100) / 100),
    };
  }

  keys() {
    const a = this.actions();
    const opacity = () => this.settings.get("opacity");
    const keys = {
      "+": a.zoomIn, "=": a.zoomIn, "-": a.zoomOut, "_": a.zoomOut, "0": a.fit, z: a.actual, h: a.toggleOverlay, o: a.toggleOutline,
      c: a.toggleConfidence, p: a.togglePalette, s: a.toggleScale, b: a.toggleAdjust, l: a.toggleLegend, m: a.toggleMap, f: a.toggleFullScreen,
      i: () => this.adjust?.toggleInvert(), "?": a.toggleHelp, a: () => this.showAll(), r: () => {},
      "[": () => a.setOpacity(opacity() - OPACITY_STEP), "]": () => a.setOpacity(opacity() + OPACITY_STEP),
      ArrowLeft: () => this.base?.panBy(-PAN_STEP_PX, 0), ArrowRight: () => this.base?.panBy(PAN_STEP_PX, 0),
      ArrowUp: () => this.base?.panBy(0, -PAN_STEP_PX), ArrowDown: () => this.base?.panBy(0, PAN_STEP_PX),
      Escape: () => this.escape(),
    };
    for (let digit = 1; digit <= 9; digit += 1) keys[digit] = () => this.toggleByKey(String(digit));
    return keys;
  }

  /** Keys that act while they are held down. */
  heldKeys() {
    return { " ": (down) => this.peek(down) };
  }

  toggleByKey(key) {
    const item = this.classes.find((c) => c.key === key);
    if (!item) return false;
    this.toggleClass(item.id);
    return true;
  }

  toggleClass(id) {
    const { hidden, isolated } = this.state;
    const next = new Set(isolated === null ? hidden : this.classes.map((c) => c.id).filter((other) => other !== isolated));
    if (next.has(id)) next.delete(id);
    else next.add(id);
    this.change({ hidden: next, isolated: null, hovered: null });
    if (isolated !== null) this.emit("class_clicked", { class_id: null });
  }

  isolate(id) {
    this.change({ isolated: id, hovered: null });
    this.emit("class_clicked", { class_id: id });
  }

  showAll() {
    const told = this.state.isolated !== null;
    this.change({ hidden: new Set(), isolated: null, overlay: true });
    if (told) this.emit("class_clicked", { class_id: null });
  }

  hover(id) {
    if (this.state.hovered === id) return;
    this.change({ hovered: id });
  }

  peek(down) {
    this.change({ peek: down });
  }

  escape() {
    if (this.state.help) this.setHelp(false);
    else if (this.state.adjust) this.setAdjust(false);
    else if (this.scale?.isOpen) this.scale.close();
    else if (this.state.isolated !== null || this.state.hidden.size) this.showAll();
    else return false;
    return true;
  }

  setAdjust(open) {
    this.state.adjust = open;
    if (this.adjust) this.adjust.element.hidden = !open;
    this.showState();
  }

  setLegend(open) {
    this.prefer("legend", open);
  }

  setHelp(open) {
    this.state.help = open;
    this.help.show(open);
    if (!open) this.surface.focus({ preventScroll: true });
    this.showState();
  }

  async toggleFullScreen() {
    try {
      if (document.fullscreenElement) await document.exitFullscreen();
      else await this.element.requestFullscreen();
    } catch {
      this.showProgress(null, "This browser does not allow full screen here.");
    }
  }

  // --- the server's side

  onRevision(revision, state, previous) {
    this.showState();
    const writing = state.state === "writing";
    this.showProgress(writing ? state.progress : null, writing ? `Segmenting ${Math.floor(state.progress * 100)} %` : "");
    if (previous?.state === "writing" && !writing) this.emit("completed", { revision_id: revision });
  }

  showProgress(fraction, text) {
    this.progress.hidden = fraction === null;
    this.progress.firstElementChild.style.width = `${((fraction ?? 0) * 100).toFixed(1)}%`;
    this.progress.setAttribute("aria-valuenow", Math.round((fraction ?? 0) * 100));
    this.progressText.hidden = !text;
    this.progressText.textContent = text;
  }

  reload() {
    this.base?.reload();
    this.overlays?.retry();
  }

  showMessage(text, busy, retry = null) {
    this.message.hidden = false;
    this.message.replaceChildren(...[busy ? h("i", { class: "spinner" }) : null, h("span", {}, text),
      retry ? h("button", { type: "button", class: "text-button", onclick: retry }, "Try again") : null].filter(Boolean));
  }

  // --- the end

  closeImage() {
    cancelAnimationFrame(this.pending);
    this.pending = 0;
    this.placed = false;
    this.window = null;
    if (this.addressed) leaveView(this.addressed);
    this.addressed = null;
    for (const part of [this.readout, this.overlays, this.connection]) part?.close();
    this.scale?.end();
    this.connection?.element.remove();
    this.adjust?.element.remove();
    this.labels.remove();
    this.base?.close();
    this.readout = this.overlays = this.connection = this.adjust = this.scale = this.base = this.image = null;
    this.showProgress(null, "");
    this.status.clear();
  }

  close() {
    this.rememberPlace();
    this.closed = true;
    this.keepPlace.cancel();
    clearInterval(this.addressWatch);
    window.removeEventListener("hashchange", this.onLink);
    document.removeEventListener("visibilitychange", this.onReturn);
    window.removeEventListener("focus", this.onReturn);
    this.shortcuts.close();
    this.resizes.disconnect();
    this.closeImage();
    this.element.remove();
  }
}
