// The draft on the image: its tiles, its two layers, the editor and the pointer that works on them.

import { labelTable, pack } from "../palette.js";
import { messageOf } from "../problem.js";
import { DraftIdTiles } from "./draft_id_tiles.js";
import { Editor } from "./editor.js";
import { GreyTiles } from "./grey_tiles.js";
import { History } from "./history.js";
import { ObjectIds } from "./object_ids.js";
import { PaintLayer } from "./paint_layer.js";
import { PaintTiles, keyOf } from "./paint_tiles.js";
import { Pointer } from "./pointer.js";
import { Preview } from "./preview.js";

/** @import { BaseImage } from "../base_image.js" */
/** @import { Connection } from "../connection.js" */
/** @import { EmViewer } from "../em_viewer.js" */
/** @import { View } from "../geometry.js" */
/** @import { Draft, ImageFacts } from "../messages.js" */
/** @import { Look } from "../overlays.js" */
/** @import { DraftApi } from "./draft_api.js" */
/** @import { EditorEvents } from "./editor.js" */
/** @import { PaintTile, Planes, Rect } from "./paint_tiles.js" */
/** @import { PointerEvents } from "./pointer.js" */
/** @import { Box } from "./paint_layer.js" */

/** @typedef {EditorEvents & Omit<PointerEvents, "onDraw" | "onPick"> & {onTouch: (tile: PaintTile) => void, onPick: (id: number | null) => void, onFlush: () => Promise<void>}} PaintingEvents */

/**
 * The open image that is painted on.
 * @typedef {{viewer: EmViewer, image: ImageFacts, base: BaseImage, connection: Connection}} Canvas
 */

/** @type {[number, number, number]} */
const COVER_COLOR = [255, 255, 255];
const NEAR_TILES = 1; // tiles around the pointer's own that are fetched before they are needed

export class Painting {
  /**
   * @param {Canvas} place
   * @param {PaintingEvents} events onStep(stroke), onTrouble(text), onTooFar(text), onSize(up), onPick(id), onBusy(busy), mayPaint(), isPanning()
   * @param viewer the Annotator
   */
  constructor(place, events) {
    const { viewer, image, base } = place;
    const { api } = viewer;
    this.place = place;
    this.viewer = viewer;
    this.events = events;
    this.started = this.closed = false;
    const size = { height: image.height_px, width: image.width_px };
    /** @type {Set<string>} */
    this.changedTiles = new Set(); // of which the server has coverage
    this.version = 0;
    /** @type {DraftApi | null} */
    this.draftApi = null;
    this.pending = 0; // the next frame
    this.tiles = new PaintTiles({ size, tilePx: image.tile_px, levels: image.levels, load: (row, col) => this.load(row, col),
    loadIds: (row, col) => this.draft.ids(row, col, this.version), events: {
      onIds: (tile) => this.onIds(tile),
      onLoad: (tile) => this.onLoad(tile),
      onChange: (tile, rect) => this.onChange(tile, rect),
    } });
    this.grey = new GreyTiles({ address: (...tile) => api.imageTile(image.id, ...tile, null), size, tilePx: image.tile_px });
    this.history = new History();
    this.objects = new ObjectIds(() => this.draft.objects());
    this.editor = new Editor({ tiles: this.tiles, grey: this.grey, history: this.history, classes: viewer.classes, objects: this.objects, events: {
      onObjects: async (request) => {
        await events.onFlush();
        return this.draft.editObjects(request);
      },
      onStep: (stroke) => events.onStep(stroke), onTrouble: (text) => events.onTrouble(text), onBusy: (busy) => events.onBusy(busy),
    } });
    this.labels = this.layer("labels");
    this.idTiles = new DraftIdTiles(this.tiles, (level, row, col) => this.draft.tile("objects", level, row, col, this.version), {
      onTile: () => this.viewer.requestDraw(), onTrouble: () => place.connection.report(), onWell: () => place.connection.well(),
    });
    this.cover = this.layer("coverage");
    this.cover.canvas.classList.add("cover-canvas");
    this.cover.setTable(Uint32Array.from({ length: 256 }, (_, value) => (value === 1 ? pack(...COVER_COLOR) : 0)));
    this.cover.visible = false;
    this.preview = new Preview();
    viewer.surface.after(this.preview.element);
    this.pointer = new Pointer(viewer.surface, () => viewer.base, this.editor, this.preview, {
      mayPaint: () => events.mayPaint(), onTooFar: (text) => events.onTooFar(text), onSize: (up) => events.onSize(up),
      onPick: (row, col) => this.pick(row, col),
      onDraw: () => this.drawSoon(), isPanning: () => events.isPanning(),
    });
    /** @param {PointerEvent} event */
    this.onHover = (event) => this.prefetch(base.imagePoint(event.clientX, event.clientY));
    viewer.surface.addEventListener("pointermove", this.onHover);
    /** @type {Box | null} */
    this.dirty = null; // what the next frame has to draw
  }

  /** @param {"labels" | "coverage"} plane */
  layer(plane) {
    const { viewer, image, connection } = this.place;
    const layer = new PaintLayer({
      source: this.tiles, plane, image, table: new Uint32Array(256),
      address: (level, row, col) => this.draft.tile(plane, level, row, col, this.version),
      events: { onTile: () => viewer.requestDraw(), onTrouble: () => connection.report(), onWell: () => connection.well() },
    });
    viewer.labels.append(layer.canvas);
    return layer;
  }

  /** The draft's routes, once it is ours. */
  get draft() {
    if (!this.draftApi) throw new Error("The draft is not open.");
    return this.draftApi;
  }

  /**
   * @param {number} row of the image
   * @param {number} col
   * @returns {[row: number, col: number]} of tiles
   */
  tileAt(row, col) {
    return [Math.floor(row / this.tiles.tilePx), Math.floor(col / this.tiles.tilePx)];
  }

  /**
   * @param {number} row
   * @param {number} col
   */
  async pick(row, col) {
    try {
      await this.tiles.ensureOne(...this.tileAt(row, col));
      this.events.onPick(this.tiles.labelAt(row, col));
    } catch (error) {
      this.events.onTrouble(`The class here cannot be loaded now: ${messageOf(error)}`);
    }
  }

  /**
   * @param {number} row
   * @param {number} col
   * @returns {Promise<Planes>}
   */
  async load(row, col) {
    const wanted = this.changedTiles.has(keyOf(row, col));
    const [labels, coverage] = await Promise.all([
      this.draft.plane("labels", row, col, this.version),
      wanted ? this.draft.plane("coverage", row, col, this.version) : null,
    ]);
    return { labels, coverage };
  }

  /**
   * The draft is ours: show it, from its present state on the server.
   * @param {Draft} draft
   * @param {DraftApi} api
   */
  start(draft, api) {
    this.draftApi = api;
    this.pointer.cancel(); // a stroke on pixels that go now
    this.tiles.clear();
    this.labels.reset();
    this.idTiles.reset();
    this.cover.reset();
    this.history.clear();
    this.changedTiles = new Set(draft.tiles.map(([row, col]) => keyOf(row, col)));
    this.tiles.covered = coveredOf(draft.covered);
    this.version = draft.version;
    this.objects.begin(draft.object_classes ?? []);
    if (this.objects.any) this.objects.ready().catch(() => {}); // asked again when an id is needed
    this.started = true;
    this.viewer.requestDraw();
  }

  /** @param {PaintTile} tile */
  onLoad(tile) {
    this.labels.put(tile);
    this.cover.put(tile);
    this.viewer.requestDraw();
    whenIdle(() => { if (!this.closed && !tile.coarse) this.tiles.makeCoarse(tile); }); // not with the first stroke
  }

  /** @param {PaintTile} tile */
  onIds(tile) {
    if (this.labels.objects) this.labels.forget(`0/${tile.row}/${tile.col}`);
    this.idTiles.patch(tile);
    this.viewer.requestDraw();
  }

  /**
   * @param {PaintTile} tile
   * @param {Rect} rect
   */
  onChange(tile, rect) {
    this.changedTiles.add(tile.key);
    this.labels.patch(tile, rect);
    this.cover.patch(tile, rect);
    this.events.onTouch(tile);
    const top = tile.row * this.tiles.tilePx + rect.row;
    const left = tile.col * this.tiles.tilePx + rect.col;
    const { dirty } = this;
    this.dirty = {
      top: Math.min(top, dirty?.top ?? top), left: Math.min(left, dirty?.left ?? left),
      bottom: Math.max(top + rect.height, dirty?.bottom ?? 0), right: Math.max(left + rect.width, dirty?.right ?? 0),
    };
    this.drawSoon();
  }

  /** Draw what has changed in the next frame; only that part where possible. */
  drawSoon() {
    this.pending ||= requestAnimationFrame(() => {
      this.pending = 0;
      const { dirty, viewer } = this;
      this.dirty = null;
      if (!dirty || !viewer.base?.isOpen) return;
      const view = viewer.base.view();
      const done = [this.labels, this.cover].map((layer) => !layer.visible || layer.drawPart(view, dirty));
      if (done.includes(false)) viewer.requestDraw();
    });
  }

  /** @param {View} view */
  draw(view) {
    if (!this.started) return;
    this.labels.draw(view);
    this.cover.draw(view);
    this.preview.draw(view);
    this.pointer.ringAgain();
  }

  /**
   * Have the pixels around the pointer before a stroke needs them.
   * @param {{row: number, col: number} | null} point
   */
  prefetch(point) {
    const { choice } = this.editor;
    if (!this.started || !point || choice.tool === "hand" || this.place.base.zoom(true) < 0.1) return;
    const [row, col] = this.tileAt(point.row, point.col);
    /** @type {[row: number, col: number][]} */
    const near = [];
    for (let r = Math.max(0, row - NEAR_TILES); r <= Math.min(this.tiles.rows - 1, row + NEAR_TILES); r += 1) {
      for (let c = Math.max(0, col - NEAR_TILES); c <= Math.min(this.tiles.cols - 1, col + NEAR_TILES); c += 1) near.push([r, c]);
    }
    (this.objects.any ? this.tiles.ensureIds(near) : this.tiles.ensure(near)).catch(() => this.viewer.connection?.report());
    if (choice.tool === "smart") this.grey.ensure(near).catch(() => this.viewer.connection?.report());
  }

  /** @param {Look & {coverage: boolean}} look coverage, whether it is shown */
  setLook(look) {
    this.labels.setTable(labelTable(look.classes, look));
    this.labels.outline = look.outline;
    this.labels.setObjects(look.objects ? this.idTiles : null, look.opacity);
    this.labels.visible = look.shown;
    this.cover.visible = look.coverage;
    this.cover.canvas.style.display = look.coverage ? "" : "none";
    this.viewer.requestDraw();
  }

  retry() {
    this.labels.tiles.retry();
    this.idTiles.retry();
    this.cover.tiles.retry();
    this.viewer.requestDraw();
  }

  close() {
    this.closed = true;
    cancelAnimationFrame(this.pending);
    this.viewer.surface.removeEventListener("pointermove", this.onHover);
    this.pointer.close();
    this.preview.element.remove();
    this.labels.close();
    this.idTiles.close();
    this.cover.close();
  }
}

/** @param {() => void} action */
const whenIdle = (action) => (window.requestIdleCallback ? window.requestIdleCallback(action) : setTimeout(action, 50));

/**
 * {"1": pixels} of the server as a Map.
 * @param {Record<string, number> | undefined} covered
 */
export function coveredOf(covered) {
  return new Map(Object.entries(covered ?? {}).map(([id, pixels]) => [Number(id), pixels]));
}
