// All maps that lie over the micrograph: label layers in their order, and the confidence of the first prediction.

import { LabelLayer } from "./label_layer.js";
import { confidenceTable, labelTable, veilTable } from "./palette.js";
import { RevisionFeed } from "./revision_feed.js";

const VEIL = 0.6; // how far what nobody has confirmed is dimmed

export class Overlays {
  /**
   * @param api addresses (see api.js)
   * @param events onRedraw(), onTrouble(error), onWell(), onState(revisionId, state, before), onGone(revisionId, {error, writing: it was being written})
   */
  constructor(api, image, parent, events) {
    Object.assign(this, { api, image, parent, events });
    this.entries = [];
    this.confidence = null;
    this.look = null;
  }

  /**
   * @param wanted [{revision_id, name, visible, style: "fill" | "outline" | null, side (panes only), what: "labels" or
   *   "coverage": what a person has confirmed, the rest is dimmed}]
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
    if (this.confidence && !this.entries.some((entry) => entry.id === this.confidence.id)) this.dropConfidence();
    this.placeCanvases();
    if (this.look) this.setLook(this.look);
  }

  /** Put every map where it is seen. */
  placeCanvases() {
    for (const entry of this.entries) this.parent.append(entry.layer.canvas);
  }

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
    const entry = { id, what, layer, visible: item.visible, given: item.visible };
    entry.feed = new RevisionFeed(this.api.revision(id), {
      onState: (state, before) => this.onState(entry, state, before),
      onGone: (error) => this.events.onGone(id, { error, writing: entry.feed.state?.state === "writing" }),
    });
    entry.feed.poll();
    return entry;
  }

  tileEvents() {
    return {
      onTile: () => this.events.onRedraw(),
      onTrouble: (error) => this.events.onTrouble(error),
      onWell: () => this.events.onWell(),
    };
  }

  onState(entry, state, before) {
    const { id } = entry;
    const finished = state.state !== "writing" && before?.state === "writing";
    if (before && (finished || state.version !== before.version)) {
      entry.layer.tiles.refresh(state.version, finished);
      if (this.confidence?.id === id) this.confidence.layer.tiles.refresh(state.version, true);
      this.events.onRedraw();
    }
    this.events.onState(id, state, before);
  }

  /**
   * @param look {classes, palette, hidden, isolated, hovered, outline, opacity, shown, confidence}
   */
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
      layer.opacity = layer.outline ? Math.min(1, 0.5 + look.opacity) : look.opacity;
    });
    if (look.confidence && !this.confidence) this.takeConfidence();
    if (this.confidence) {
      this.confidence.layer.visible = look.confidence && look.shown;
      this.confidence.layer.opacity = Math.min(1, look.opacity + 0.25);
    }
    this.events.onRedraw();
  }

  /** The label maps, without what is confirmed of them. */
  get maps() {
    return this.entries.filter((entry) => entry.what === "labels");
  }

  /** Shares of the classes, by id, in the topmost label map that is shown; {} while nothing is known. */
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

  takeConfidence() {
    const entry = this.predicted;
    if (!entry) return;
    const layer = new LabelLayer({
      address: (...tile) => this.api.labelTile(entry.id, "confidence", ...tile),
      image: this.image,
      table: confidenceTable(),
      events: { ...this.tileEvents(), onTrouble: (error) => { if (error.status !== 404) this.events.onTrouble(error); } },
    });
    this.confidence = { id: entry.id, layer };
    this.parent.prepend(layer.canvas);
  }

  dropConfidence() {
    this.confidence.layer.close();
    this.confidence = null;
  }

  toggleLayer(index) {
    const entry = this.entries[index];
    if (!entry) return;
    entry.visible = !entry.visible;
    this.setLook(this.look);
  }

  draw(view) {
    this.confidence?.layer.draw(view);
    for (const { layer } of this.entries) layer.draw(view);
  }

  retry() {
    this.confidence?.layer.tiles.retry();
    for (const { layer } of this.entries) layer.tiles.retry();
    this.events.onRedraw();
  }

  /** The id that is seen at an image pixel, from the topmost visible layer; null where it is not known yet. */
  labelAt(row, col) {
    for (const entry of this.maps.reverse()) if (entry.visible) return entry.layer.idAt(row, col);
    return null;
  }

  confidenceAt(row, col) {
    return this.confidence?.layer.visible ? this.confidence.layer.idAt(row, col) : null;
  }

  /** The layer whose label and confidence the pixel route shall tell. */
  get topId() {
    return this.maps.reverse().find((entry) => entry.visible)?.id ?? null;
  }

  shut(entry) {
    entry.feed.close();
    entry.layer.close();
  }

  close() {
    for (const entry of this.entries) this.shut(entry);
    if (this.confidence) this.dropConfidence();
    this.entries = [];
  }
}
