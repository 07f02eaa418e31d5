// The label maps of all panes, each in its own, and the errors between reference and prediction. Every map is fetched
// once: all panes show the same part of the image, so the errors are worked out from tiles that are here anyway.

import { Overlays } from "../overlays.js";
import { ErrorLayer } from "./error_layer.js";

/** @import { Api } from "../api.js" */
/** @import { View } from "../geometry.js" */
/** @import { ImageFacts } from "../messages.js" */
/** @import { Look, OverlayEvents } from "../overlays.js" */
/** @import { PaneGrid } from "./pane_grid.js" */

const KEPT = 64; // coloured tiles of a map: panes are smaller than a viewer, and there are more of them

export class PaneOverlays extends Overlays {
  /**
   * @param {Api} api
   * @param {ImageFacts} image
   * @param {PaneGrid} panes where each map is seen
   * @param {OverlayEvents} events
   */
  constructor(api, image, panes, events) {
    super(api, image, panes.labels, events);
    this.panes = panes;
    this.kept = KEPT;
    /** @type {ErrorLayer | null} */
    this.errors = null;
    /** @type {number | null} */
    this.errorClass = null;
  }

  /** @param {number | null} classId */
  setErrorClass(classId) {
    this.errorClass = classId;
    this.placeCanvases();
    if (this.look) this.setLook(this.look);
  }

  /** @param {string} side */
  entryOf(side) {
    return this.entries.find((entry) => entry.side === side) ?? null;
  }

  placeCanvases() {
    for (const entry of this.entries) {
      entry.host = this.panes.sideOf(entry.side);
      if (entry.host) entry.host.append(entry.layer.canvas);
      else entry.layer.canvas.remove();
    }
    this.hostConfidence();
    this.placeErrors();
  }

  placeErrors() {
    const reference = this.entryOf("reference")?.layer;
    const prediction = this.entryOf("prediction")?.layer;
    const host = this.panes.sideOf("errors");
    const { errorClass: classId } = this;
    if (this.errors?.isOf({ reference, prediction, classId, host })) return;
    this.errors?.close();
    this.errors = reference && prediction && host ? new ErrorLayer({ image: this.image, reference, prediction, classId, host }) : null;
  }

  /** @param {Look} look */
  setLook(look) {
    super.setLook(look);
    this.errors?.setLook(look);
  }

  get hasConfidence() {
    return Boolean(this.predicted?.host);
  }

  takeConfidence() {
    super.takeConfidence();
    this.hostConfidence();
  }

  hostConfidence() {
    const { confidence } = this;
    if (!confidence) return;
    const host = this.entries.find((entry) => entry.id === confidence.id)?.host;
    if (host) host.prepend(confidence.layer.canvas);
    else confidence.layer.canvas.remove();
  }

  /** @param {View} view */
  draw(view) {
    if (this.confidence?.layer.canvas.isConnected) this.confidence.layer.draw(view);
    for (const entry of this.entries) {
      if (entry.host) entry.layer.draw(view);
      else if (this.errors) entry.layer.request(view);
    }
    this.errors?.draw(view);
  }

  /** Shares of the classes would be of one map only. */
  get areas() {
    return {};
  }

  /**
   * The id of a map at an image pixel: undefined where there is no such map, null where it is not known yet.
   * @param {string} side
   * @param {number} row
   * @param {number} col
   */
  idIn(side, row, col) {
    const entry = this.entryOf(side);
    return entry ? entry.layer.idAt(row, col) : undefined;
  }

  close() {
    this.errors?.close();
    this.errors = null;
    super.close();
  }
}
