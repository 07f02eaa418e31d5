// The readout of panes: what a pixel is and what it was taken for.

import { Readout } from "../readout.js";
import { pairText } from "./error_pixels.js";

export class PairReadout extends Readout {
  /** The map that is compared with the reference: that of the pane under the pointer, else the prediction. */
  get compared() {
    return this.viewer.pointedSide ?? "prediction";
  }

  showKnown() {
    const { overlays } = this.viewer;
    const { row, col } = this.point;
    this.showPair(overlays.idIn("reference", row, col), overlays.idIn(this.compared, row, col));
  }

  revisions() {
    const { overlays } = this.viewer;
    return [overlays.entryOf(this.compared)?.id, overlays.entryOf("reference")?.id];
  }

  showExact(compared, reference) {
    this.showPair(reference.label, compared.label);
  }

  showPair(is, said) {
    const { classes, safe } = this.viewer;
    const item = classes.find((c) => c.id === is) ?? classes.find((c) => c.id === said);
    const nameOf = (id) => classes.find((c) => c.id === id)?.name ?? (id === 0 ? "background" : `class ${id}`);
    const text = pairText(is, said, nameOf, this.viewer.story.pixel);
    this.line.setClass(text, item && text ? (safe ? item.safe_color : item.color) : null);
    this.onClass(item ? item.id : null);
  }
}
