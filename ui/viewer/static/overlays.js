// All maps that lie over the micrograph: label layers in their order, and the confidence of the first prediction.

import { LabelLayer } from "./label_layer.js";
import { IdTiles } from "./object_tiles.js";
import { confidenceTable, labelTable, veilTable } from "./palette.js";
import { Problem } from "./problem.js";
import { RevisionFeed } from "./revision_feed.js";

/** @import { Api } from "./api.js" */
/** @import { View } from "./geometry.js" */
/** @import { ImageFacts, LabelClass, LayerProps, RevisionState } from "./messages.js" */
/** @import { TileEvents } from "./tile_store.js" */

/**
 * A label map over the image.
 * @typedef {object} OverlayEntry
 * @property {string} id
 * @property {"labels" | "coverage"} what
 * @property {LabelLayer} layer
 * @property {RevisionFeed} feed
 * @property {IdTiles} [ids] of its objects, once they are shown
 * @property {boolean} visible
 * @property {boolean} given what Python said about that last
 * @property {string} name
 * @property {"fill" | "outline" | null} style
 * @property {string} [side] the part of the panes that shows it
 * @property {HTMLElement | null} [host] the element that it is drawn in, where panes say so
 */

/**
 * @typedef {object} OverlayEvents
 * @property {() => void} onRedraw
 * @property {(error: unknown) => void} onTrouble
 * @property {() => void} onWell
 * @property {(revisionId: string, state: RevisionState, before: RevisionState | null) => void} onState
 * @property {(revisionId: string, gone: {error: Error, writing: boolean}) => void} onGone writing: it was being written
 */

/**
 * How label maps are drawn.
 * @typedef {object} Look
 * @property {LabelClass[]} classes
 * @property {"standard" | "safe"} palette
 * @property {Set<number>} hidden classes
 * @property {number | null} isolated the class that stands alone
 * @property {number | null} hovered the class that is looked at; the others are dimmed
 * @property {boolean} outline
 * @property {boolean} objects whether each object has a shade of its own
 * @property {number} opacity 0 to 1
 * @property {boolean} shown
 * @property {boolean} confidence
 */

export const GONE = "This label map no longer exists."; // one that was being written went with its job: the page tells

/** Of a label map without ids. */
const NO_IDS = { get: () => null, want: () => {}, retry: () => {}, close: () => {} };

const VEIL = 0.6; // how far what nobody has confirmed is dimmed

export class Overlays {
  /**
   * @param {Api} api addresses (see api.js)
   * @param {ImageFacts} image
   * @param {HTMLElement} parent
   * @param {OverlayEvents} events
   */
  constructor(api, image, parent, events) {
    this.api = api;
    this.image = image;
    this.parent = parent;
    this.events = events;
    /** @type {OverlayEntry[]} */
    this.entries = [];
    /** @type {{id: string, layer: LabelLayer} | null} */
    this.confidence = null;
    /** @type {Look | null} */
    this.look = null;
    /** @type {number | undefined} */
    this.kept = undefined; // coloured tiles of a map
  }

  /**
   * @param {LayerProps[]} wanted
   */
  setLayers(wanted) {
    const old = [...this.entries]; // a map may be there twice, under two names
    this.entries = wanted.map((item) => {
      const known = old.findIndex((entry) => entry.id === item.revision_id && entry.what === (item.what ?? "labels"));
      const entry = known < 0 ? this.open(item) : old.splice(known, 1)[0];
      if (entry.given !== item.visible) entry.visible = entry.given = item.visible;
      return Object.assign(entry, { name: item.name, style: item.style, side: item.side });
    });
    for (const entry of old) this.shut(entry);
    const { confidence } = this;
    if (confidence && !this.entries.some((entry) => entry.id === confidence.id)) this.dropConfidence();
    this.placeCanvases();
    if (this.look) this.setLook(this.look);
  }

  /** Put every map where it is seen. */
  placeCanvases() {
    for (const entry of this.entries) this.parent.append(entry.layer.canvas);
  }

  /**
   * @param {LayerProps} item
   * @returns {OverlayEntry}
   */
  open(item) {
    const id = item.revision_id;
    const what = item.what ?? "labels";
    const layer = new LabelLayer({
      address: (...tile) => this.api.labelTile(id, what, ...tile),
      image: this.image,
      table: new Uint32Array(256),
      kept: this.kept,
      events: this.tileEvents(),
    });
    const feed = new RevisionFeed(this.api.revision(id), {
      onState: (state, before) => this.onState(entry, state, before),
      onGone: (error) => this.events.onGone(id, { error, writing: feed.state?.state === "writing" }),
    });
    /** @type {OverlayEntry} */
    const entry = { id, what, layer, feed, visible: item.visible, given: item.visible, name: item.name, style: item.style, side: item.side };
    feed.poll();
    return entry;
  }

  /** @returns {TileEvents} */
  tileEvents() {
    return {
      onTile: () => this.events.onRedraw(),
      onTrouble: (error) => this.events.onTrouble(error),
      onWell: () => this.events.onWell(),
    };
  }

  /**
   * @param {OverlayEntry} entry
   * @param {RevisionState} state
   * @param {RevisionState | null} before
   */
  onState(entry, state, before) {
    const { id } = entry;
    const finished = state.state !== "writing" && before?.state === "writing";
    if (before && (finished || state.version !== before.version)) {
      entry.layer.tiles.refresh(state.version, finished);
      if (this.confidence?.id === id) this.confidence.layer.tiles.refresh(state.version, true);
      this.events.onRedraw();
    }
    if (this.look?.objects && !before && state.object_classes?.length) this.setLook(this.look);
    this.events.onState(id, state, before);
  }

  /** @param {Look} look */
  setLook(look) {
    this.look = look;
    const table = labelTable(look.classes, look);
    this.entries.forEach((entry) => {
      const { layer } = entry;
      layer.visible = look.shown && entry.visible;
      if (entry.what === "coverage") {
        layer.setTable(veilTable());
        layer.opacity = VEIL;
        return;
      }
      layer.setTable(table);
      layer.outline = look.confidence || (entry.style ? entry.style === "outline" : look.outline);
      layer.setObjects(look.objects && !look.confidence ? this.idsOf(entry) : null, look.opacity);
    });
    if (look.confidence && !this.confidence) this.takeConfidence();
    if (this.confidence) {
      this.confidence.layer.visible = look.confidence && look.shown;
      this.confidence.layer.opacity = Math.min(1, look.opacity + 0.25);
    }
    this.events.onRedraw();
  }

  /**
   * Ids of the objects of a label map; without any, its classes are outlined.
   * @param {OverlayEntry} entry
   */
  idsOf(entry) {
    const { state } = entry.feed;
    if (!entry.ids && state?.object_classes?.length) {
      entry.ids = new IdTiles((...tile) => this.api.labelTile(entry.id, "objects", ...tile), this.tileEvents());
    }
    return entry.ids ?? NO_IDS;
  }

  /** Whether any of the label maps has ids of objects. */
  get hasObjects() {
    return this.maps.some((entry) => entry.feed.state?.object_classes?.length);
  }

  /** The label maps, without what is confirmed of them. */
  get maps() {
    return this.entries.filter((entry) => entry.what === "labels");
  }

  /**
   * @returns {Record<number, number>}
   * Shares of the classes, by id, in the topmost label map that is shown; {} while nothing is known. */
  get areas() {
    const shown = this.maps.filter((entry) => entry.visible);
    const rows = (shown.at(-1) ?? this.maps.at(-1))?.feed.state?.coverage ?? [];
    if (!rows.some((row) => row.fraction)) return {};
    return Object.fromEntries(rows.map((row) => [row.class_id ?? row.id, row.fraction]));
  }

  get predicted() {
    const able = this.entries.filter((entry) => entry.feed.state?.has_confidence);
    return able.find((entry) => entry.visible) ?? able[0] ?? null;
  }

  get hasConfidence() {
    return this.predicted !== null;
  }

  /** @returns {void} */
  takeConfidence() {
    const entry = this.predicted;
    if (!entry) return;
    const layer = new LabelLayer({
      address: (...tile) => this.api.labelTile(entry.id, "confidence", ...tile),
      image: this.image,
      table: confidenceTable(),
      events: { ...this.tileEvents(), onTrouble: (error) => { if (!isMissing(error)) this.events.onTrouble(error); } },
    });
    this.confidence = { id: entry.id, layer };
    this.parent.prepend(layer.canvas);
  }

  dropConfidence() {
    this.confidence?.layer.close();
    this.confidence = null;
  }

  /** @param {number} index */
  toggleLayer(index) {
    const entry = this.entries[index];
    if (!entry) return;
    entry.visible = !entry.visible;
    if (this.look) this.setLook(this.look);
  }

  /** @param {View} view */
  draw(view) {
    this.confidence?.layer.draw(view);
    for (const { layer } of this.entries) layer.draw(view);
  }

  retry() {
    this.confidence?.layer.tiles.retry();
    for (const { layer, ids } of this.entries) {
      layer.tiles.retry();
      ids?.retry();
    }
    this.events.onRedraw();
  }

  /**
   * The id that is seen at an image pixel, from the topmost visible layer; null where it is not known yet.
   * @param {number} row
   * @param {number} col
   * @returns {number | null}
   */
  labelAt(row, col) {
    for (const entry of this.maps.reverse()) if (entry.visible) return entry.layer.idAt(row, col);
    return null;
  }

  /** The layer whose label and confidence the pixel route shall tell. */
  get topId() {
    return this.maps.reverse().find((entry) => entry.visible)?.id ?? null;
  }

  /** @param {OverlayEntry} entry */
  shut(entry) {
    entry.feed.close();
    entry.layer.close();
    entry.ids?.close();
  }

  close() {
    for (const entry of this.entries) this.shut(entry);
    if (this.confidence) this.dropConfidence();
    this.entries = [];
  }
}

/**
 * Whether the server has no such tile.
 * @param {unknown} error
 */
function isMissing(error) {
  return error instanceof Problem && error.status === 404;
}
