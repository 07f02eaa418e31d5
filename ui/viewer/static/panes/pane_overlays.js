// The label maps of all panes, each in its own, and the errors between reference and prediction. Every map is fetched
// once: all panes show the same part of the image, so the errors are worked out from tiles that are here anyway.

import { Overlays } from "../overlays.js";
import { ErrorLayer } from "./error_layer.js";

const KEPT = 64; // coloured tiles of a map: panes are smaller than a viewer, and there are more of them

export class PaneOverlays extends Overlays {
  /** @param panes a PaneGrid; otherwise as Overlays */
  constructor(api, image, panes, events) {
    super(api, image, null, events);
    this.panes = panes;
    this.kept = KEPT;
    this.errors = null;
    this.errorClass = null;
  }

  /** @param classId whose errors are shown; null for all */
  setErrorClass(classId) {
    this.errorClass = classId;
    this.placeCanvases();
    if (this.look) this.setLook(this.look);
  }

  entryOf(side) {
    return this.entries.find((entry) => entry.side === side) ?? null;
  }

  placeCanvases() {
    for (const entry of this.entries) {
      entry.host = this.panes.sideOf(entry.side);
      if (entry.host) entry.host.append(entry.layer.canvas);
      else entry.layer.canvas.remove();
    }
    if (this.confidence) this.hostConfidence();
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

  setLook(look) {
    super.setLook(look);
    this.errors?.setLook(look);
  }

  get hasConfidence() {
    return Boolean(this.predicted?.host);
  }

  takeConfidence() {
    super.takeConfidence();
    if (this.confidence) this.hostConfidence();
  }

  hostConfidence() {
    const host = this.entries.find((entry) => entry.id === this.confidence.id)?.host;
    if (host) host.prepend(this.confidence.layer.canvas);
    else this.confidence.layer.canvas.remove();
  }

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

  /** The id of a map at an image pixel: undefined where there is no such map, null where it is not known yet. */
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
