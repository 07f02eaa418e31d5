// The viewer: puts image, overlays, tools and panels together, and decides what each action does.

import { AdjustPanel } from "./adjust_panel.js";
import { Api } from "./api.js";
import { BaseImage } from "./base_image.js";
import { Connection } from "./connection.js";
import { debounce, h } from "./dom.js";
import { HelpSheet } from "./help_sheet.js";
import { Legend } from "./legend.js";
import { loadOpenSeadragon } from "./openseadragon.js";
import { GONE, Overlays } from "./overlays.js";
import { inWords, problemOf } from "./problem.js";
import { Readout } from "./readout.js";
import { ScaleTool } from "./scale/scale_tool.js";
import { ScaleBar } from "./scale_bar.js";
import { ViewSettings } from "./settings.js";
import { Shortcuts } from "./shortcuts.js";
import { StatusLine } from "./status_line.js";
import { Toolbar } from "./toolbar.js";
import { enterView, keepView, leaveView, parseView, recallView } from "./view_url.js";
import { actionsOf, heldKeysOf, keysOf } from "./viewer_keys.js";

/** @import { GreyWindow } from "./api.js" */
/** @import { MakeGuest } from "./guest.js" */
/** @import { Emit, ImageFacts, ViewerProps } from "./messages.js" */
/** @import { OpenSeadragonStatic } from "./openseadragon.js" */
/** @import { Look, OverlayEvents } from "./overlays.js" */
/** @import { Settings } from "./settings.js" */

const ROOM_FOR_LEGEND_PX = 700;
const ADDRESS_WATCH_MS = 1000; // Streamlit drops the part after # whenever it changes the rest of the address

/**
 * What is switched on; how things look is in the settings.
 * @typedef {object} ViewerState
 * @property {boolean} overlay whether label maps are shown
 * @property {boolean} peek whether they are hidden while a key is held
 * @property {boolean} confidence
 * @property {Set<number>} hidden classes
 * @property {number | null} isolated the class that stands alone
 * @property {number | null} hovered the class whose row is under the pointer
 * @property {boolean} adjust whether that panel is open
 * @property {boolean} help whether that sheet is open
 */

export class EmViewer {
  actions = actionsOf(this);
  toolbar = new Toolbar(this.actions);
  legend = new Legend({
    toggle: (id) => this.toggleClass(id),
    isolate: (id) => this.isolate(this.state.isolated === id ? null : id),
    hover: (id) => this.hover(id),
    toggleLayer: (index) => this.toggleLayer(index),
    close: () => this.setLegend(false),
  });
  status = new StatusLine();
  scaleBar = new ScaleBar();
  surface = h("div", { class: "surface", tabindex: 0, role: "application", "aria-label": "Micrograph; press ? for keys" });
  labels = h("div", { class: "labels" });
  progressBar = h("i", {});
  progress = h("div", { class: "progress", role: "progressbar", "aria-label": "Segmentation", hidden: true }, this.progressBar);
  progressText = h("div", { class: "progress-text", hidden: true });
  message = h("div", { class: "message" }, h("i", { class: "spinner" }), h("span", {}, "Loading image…"));
  stage = h("div", { class: "stage" }, this.surface, this.progress, this.progressText, this.scaleBar.element, this.legend.element, this.message);
  element = h("div", { class: "viewer" }, this.toolbar.element, this.stage, this.status.element);

  // while there is an image
  /** @type {ImageFacts | null} */ image = null;
  /** @type {BaseImage | null} */ base = null;
  /** @type {Overlays | null} */ overlays = null;
  /** @type {Readout | null} */ readout = null;
  /** @type {Connection | null} */ connection = null;
  /** @type {AdjustPanel | null} */ adjust = null;
  /** @type {ScaleTool | null} */ scale = null;
  /** @type {GreyWindow | null} */ window = null;
  /** @type {string | null} */ addressed = null; // the image whose view is kept in the address
  placed = false; // whether the view stands where it belongs
  pending = 0; // the next frame that is drawn
  closed = false;

  /**
   * @param {HTMLElement} host element to fill
   * @param {ViewerProps} props from Python
   * @param {Emit} emit tells Python
   * @param {MakeGuest} makeGuest who uses the viewer to do more: see guest.js
   */
  constructor(host, props, emit, makeGuest = () => ({})) {
    this.host = host;
    this.props = props;
    this.emit = emit;
    this.api = new Api(props.root);
    this.settings = new ViewSettings(props.remember_as);
    /** @type {ViewerState} */
    this.state = { overlay: true, peek: false, confidence: false, hidden: new Set(), isolated: props.isolated ?? null, hovered: null, adjust: false, help: false };
    this.host.append(this.element);
    this.guest = makeGuest(this);
    this.help = new HelpSheet(() => this.setHelp(false), this.guest.help);
    this.seatGuest();
    const [keys, held] = [keysOf(this), heldKeysOf(this)];
    this.shortcuts = new Shortcuts(this.element, this.guest.keys?.(keys) ?? keys, this.guest.heldKeys?.(held) ?? held);
    this.keepPlace = debounce(() => this.rememberPlace(), 250);
    this.addressWatch = setInterval(() => this.rememberPlace(), ADDRESS_WATCH_MS);
    this.resizes = new ResizeObserver(() => this.onResize());
    this.resizes.observe(this.element);
    this.abort = new AbortController();
    this.listen(this.abort.signal);
    this.update(props, true);
  }

  /** The guest's elements go into their slots. */
  seatGuest() {
    const { className, parts = {}, tips = {} } = this.guest;
    if (className) this.element.classList.add(className);
    this.toolbar.seat(parts.toolbarStart, parts.toolbarEnd);
    this.toolbar.retip(tips);
    if (parts.toolRow) this.toolbar.element.after(parts.toolRow);
    if (parts.underStage) this.stage.prepend(parts.underStage);
    if (parts.overStage) this.stage.append(...parts.overStage);
    if (parts.legendEnd) this.legend.element.append(parts.legendEnd);
    this.element.append(this.help.element, ...(parts.dialogs ?? []));
    this.guest.onBuilt?.();
  }

  /** @param {AbortSignal} signal ends it */
  listen(signal) {
    window.addEventListener("hashchange", () => this.followLink(), { signal });
    const onReturn = () => { if (!document.hidden) this.refreshImage(); };
    document.addEventListener("visibilitychange", onReturn, { signal });
    window.addEventListener("focus", onReturn, { signal }); // of two windows side by side neither is hidden
    this.surface.addEventListener("pointermove", (event) => this.readout?.moveTo(event.clientX, event.clientY));
    this.surface.addEventListener("pointerleave", () => this.readout?.leave());
    this.element.addEventListener("fullscreenchange", () => this.showState());
  }

  /**
   * New values from Python.
   * @param {ViewerProps} props
   */
  update(props, first = false) {
    const before = this.props;
    this.props = props;
    this.take(props, before, first);
    if (!first) this.guest.onUpdate?.(before);
  }

  /**
   * @param {ViewerProps} props
   * @param {ViewerProps} before
   * @param {boolean} first
   */
  take(props, before, first) {
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
      const { message, remedy } = inWords(error);
      this.showMessage(`${message} ${remedy}`, false, () => this.openImage());
    }
  }

  /** The pixel size may have been changed since, here or in another tab. */
  async refreshImage() {
    const { image } = this;
    if (!image) return;
    try {
      const response = await fetch(this.api.image(image.id), { cache: "no-store" });
      if (!response.ok) return;
      const { pixel_size_nm, pixel_size_source, pixel_size_detail } = /** @type {ImageFacts} */ (await response.json());
      if (this.image !== image || pixel_size_nm === image.pixel_size_nm) return;
      Object.assign(image, { pixel_size_nm, pixel_size_source, pixel_size_detail });
      this.status.setImage(image);
      if (this.scale?.isOpen) this.scale.close();
      this.showState();
      this.requestDraw();
    } catch {
      // no answer: the image's tiles tell of that
    }
  }

  /**
   * @param {OpenSeadragonStatic} osd
   * @param {ImageFacts} image
   */
  showImage(osd, image) {
    this.image = image;
    this.guest.onImage?.();
    const connection = new Connection(this.api.image(image.id), () => this.reload());
    const adjust = new AdjustPanel(image, {
      filter: (css) => { base.setFilter(css); this.showState(); },
      window: (low, high) => { this.window = { low, high }; base.reload(); this.showState(); },
      close: () => this.setAdjust(false),
    });
    this.stage.append(connection.element, adjust.element);
    const base = new BaseImage(osd, this.surface, image, (...tile) => this.api.imageTile(image.id, ...tile, this.window), {
      onOpen: () => this.onOpen(),
      onView: () => this.draw(),
      onTrouble: () => connection.report(),
      onWell: () => connection.well(),
    });
    base.viewer.canvas.append(this.labels);
    this.connection = connection;
    this.adjust = adjust;
    this.base = base;
    this.showMaps(image, connection);
    this.applyLook();
    this.guest.onShown?.(osd);
  }

  /**
   * What lies over the image.
   * @param {ImageFacts} image
   * @param {Connection} connection
   */
  showMaps(image, connection) {
    /** @type {OverlayEvents} */
    const events = {
      onRedraw: () => this.requestDraw(),
      onTrouble: () => connection.report(),
      onWell: () => connection.well(),
      onState: (revision, state, previous) => this.onRevision(revision, state, previous),
      onGone: (_, { writing }) => this.showProgress(null, writing ? "" : GONE),
    };
    const overlays = this.guest.makeOverlays?.(events) ?? new Overlays(this.api, image, this.labels, events);
    this.overlays = overlays;
    if (this.props.scale_tool) {
      this.scale = new ScaleTool(this, {
        use: (line) => this.tell("scale_measured", line), changed: () => this.showState(),
      });
    }
    /** @param {number | null} id */
    const onClass = (id) => this.legend.showUnder(id);
    this.readout = this.guest.makeReadout?.(onClass) ?? new Readout(this, this.status, onClass);
    this.status.setImage(image);
    overlays.setLayers(this.props.layers);
  }

  onOpen() {
    const { base, image } = this;
    if (!base || !image) return;
    this.message.hidden = true;
    base.showNavigator(this.settings.get("minimap"));
    base.setFilter(this.adjust?.filter() ?? "");
    if (this.placed) return; // tiles were fetched anew; the view stays
    if (this.props.scale_open) this.scale?.open();
    this.placed = true;
    const place = recallView(this.props.key, image.id, this.props.url_view);
    if (place) base.goTo(place, true);
    else base.fit(true);
    this.guest.onPlaced?.();
  }

  // --- drawing

  /** In step with the image: called while OpenSeadragon draws a frame. */
  draw() {
    const { base, image } = this;
    if (!base?.isOpen || !image || !this.placed) return;
    this.guest.beforeDraw?.();
    cancelAnimationFrame(this.pending);
    this.pending = 0;
    const view = base.view();
    this.overlays?.draw(view);
    const zoom = base.zoom(true);
    this.scaleBar.update(zoom, image.pixel_size_nm);
    this.scale?.draw();
    this.toolbar.setZoom(zoom);
    base.showNavigator(this.settings.get("minimap"));
    this.readout?.again();
    this.keepPlace();
    this.guest.onDraw?.(view);
  }

  requestDraw() {
    this.pending ||= requestAnimationFrame(() => this.draw());
  }

  rememberPlace() {
    if (!this.base?.isOpen || !this.image || !this.placed || this.closed) return;
    keepView(this.props.key, { ...this.base.place(), image: this.image.id }, this.props.url_view);
  }

  /** Somebody has put a link with another view into the address of this very page. */
  followLink() {
    const place = this.props.url_view ? parseView(window.location.hash) : null;
    if (this.placed && place && place.image === this.image?.id) this.base?.goTo(place);
  }

  onResize() {
    this.guest.onResize?.();
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

  /**
   * The id that is seen at an image pixel; null where it is not known yet.
   * @param {number} row
   * @param {number} col
   */
  labelAt(row, col) {
    return this.guest.labelAt?.(row, col) ?? this.overlays?.labelAt(row, col) ?? null;
  }

  /** The label map that the server is asked about for the pixel under the pointer. */
  get topId() {
    return this.guest.topId ? this.guest.topId() : (this.overlays?.topId ?? null);
  }

  get legendOpen() {
    return this.settings.get("legend") ?? this.element.clientWidth >= ROOM_FOR_LEGEND_PX;
  }

  /** @returns {Look} */
  get look() {
    const { hidden, isolated, hovered, overlay, peek, confidence } = this.state;
    return {
      classes: this.classes, palette: this.settings.get("palette"), hidden, isolated, hovered,
      outline: this.settings.get("outline"), objects: this.settings.get("objects"), opacity: this.settings.get("opacity"), shown: overlay && !peek, confidence,
    };
  }

  applyLook() {
    const { look } = this;
    this.overlays?.setLook(look);
    this.showState();
    this.guest.onLook?.(look);
  }

  showState() {
    const { state, settings, guest } = this;
    const hasLabels = this.props.layers.length > 0;
    this.toolbar.show({
      ...state, outline: settings.get("outline"), objects: settings.get("objects"), safe: this.safe, legend: this.legendOpen, map: settings.get("minimap"),
      adjust: state.adjust || Boolean(this.adjust?.changed), opacity: settings.get("opacity"),
      hasLabels: hasLabels || Boolean(guest.hasOwnClassList), hasConfidence: this.hasConfidence,
      offersScale: Boolean(this.scale), measuring: Boolean(this.scale?.isOpen),
    });
    this.legend.element.hidden = !this.legendOpen || !hasLabels || Boolean(guest.hasOwnClassList);
    this.legend.show({
      classes: this.classes, safe: this.safe, hidden: state.hidden, isolated: state.isolated,
      areas: this.overlays?.areas ?? {}, layers: guest.listsLayers === false ? [] : this.layers, confidence: state.confidence,
      pieces: settings.get("objects") && !this.overlays?.hasObjects,
    });
    guest.onState?.();
  }

  /** The label maps by their names, and whether each is shown. */
  get layers() {
    return (this.overlays?.entries ?? []).map(({ name, visible }) => ({ name, visible }));
  }

  /** @param {Partial<ViewerState>} values */
  change(values) {
    Object.assign(this.state, values);
    this.applyLook();
  }

  /**
   * @template {keyof Settings} N
   * @param {N} name
   * @param {Settings[N]} value
   */
  prefer(name, value) {
    this.settings.set(name, value);
    this.applyLook();
  }

  // --- actions

  /**
   * Tell Python, unless what happens here is not its business.
   * @param {string} name
   * @param {unknown} value
   */
  tell(name, value) {
    if (!this.guest.isSilent) this.emit(name, value);
  }

  /** @param {string} key */
  toggleByKey(key) {
    const item = this.classes.find((c) => c.key === key);
    if (!item) return false;
    this.toggleClass(item.id);
    return true;
  }

  /** @param {number} id */
  toggleClass(id) {
    const { hidden, isolated } = this.state;
    const next = new Set(isolated === null ? hidden : this.classes.map((c) => c.id).filter((other) => other !== isolated));
    if (next.has(id)) next.delete(id);
    else next.add(id);
    this.change({ hidden: next, isolated: null, hovered: null });
    if (isolated !== null) this.tell("class_clicked", { class_id: null });
  }

  /** @param {number} index */
  toggleLayer(index) {
    this.overlays?.toggleLayer(index);
    this.showState();
  }

  /** @param {number | null} id */
  isolate(id) {
    this.change({ isolated: id, hovered: null });
    this.tell("class_clicked", { class_id: id });
  }

  showAll() {
    const told = this.state.isolated !== null;
    this.change({ hidden: new Set(), isolated: null, overlay: true });
    if (told) this.tell("class_clicked", { class_id: null });
  }

  /** @param {number | null} id */
  hover(id) {
    if (this.state.hovered === id) return;
    this.change({ hovered: id });
  }

  /** @param {boolean} down */
  peek(down) {
    this.change({ peek: down });
  }

  escape() {
    if (this.state.help) this.setHelp(false);
    else if (this.state.adjust) this.setAdjust(false);
    else if (this.scale?.isOpen) this.scale.close();
    else if (this.guest.escape?.()) return true;
    else if (this.state.isolated !== null || this.state.hidden.size) this.showAll();
    else return false;
    return true;
  }

  /** @param {boolean} open */
  setAdjust(open) {
    this.state.adjust = open;
    if (this.adjust) this.adjust.element.hidden = !open;
    this.showState();
  }

  /** @param {boolean} open */
  setMap(open) {
    this.prefer("minimap", open);
    this.base?.showNavigator(open);
  }

  /** @param {boolean} open */
  setLegend(open) {
    this.prefer("legend", open);
  }

  /** @param {boolean} open */
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

  /** @type {OverlayEvents["onState"]} */
  onRevision(revision, state, previous) {
    this.showState();
    const writing = state.state === "writing";
    this.showProgress(writing ? state.progress : null, writing ? `Segmenting ${Math.floor(state.progress * 100)} %` : "");
    if (previous?.state === "writing" && !writing) this.tell("completed", { revision_id: revision });
  }

  /**
   * @param {number | null} fraction
   * @param {string} text
   */
  showProgress(fraction, text) {
    this.progress.hidden = fraction === null;
    this.progressBar.style.width = `${((fraction ?? 0) * 100).toFixed(1)}%`;
    this.progress.setAttribute("aria-valuenow", String(Math.round((fraction ?? 0) * 100)));
    this.progressText.hidden = !text;
    this.progressText.textContent = text;
  }

  reload() {
    this.base?.reload();
    this.overlays?.retry();
    this.guest.onReload?.();
  }

  /**
   * @param {string} text
   * @param {boolean} busy
   * @param {(() => void) | null} retry
   */
  showMessage(text, busy, retry = null) {
    this.message.hidden = false;
    this.message.replaceChildren(...(busy ? [h("i", { class: "spinner" })] : []), h("span", {}, text),
      ...(retry ? [h("button", { type: "button", class: "text-button", onclick: retry }, "Try again")] : []));
  }

  // --- the end

  closeImage() {
    this.guest.onClosing?.();
    cancelAnimationFrame(this.pending);
    this.pending = 0;
    this.placed = false;
    this.window = null;
    if (this.addressed) leaveView(this.addressed);
    this.addressed = null;
    for (const part of [this.readout, this.overlays, this.connection, this.adjust]) part?.close();
    this.scale?.end();
    this.connection?.element.remove();
    this.labels.remove();
    this.base?.close();
    this.readout = this.overlays = this.connection = this.adjust = this.scale = this.base = this.image = null;
    this.showProgress(null, "");
    this.status.clear();
    this.guest.onClosed?.();
  }

  close() {
    this.guest.close?.();
    this.rememberPlace();
    this.closed = true;
    this.keepPlace.cancel();
    clearInterval(this.addressWatch);
    this.abort.abort();
    this.shortcuts.close();
    this.resizes.disconnect();
    this.closeImage();
    this.element.remove();
  }
}
