// The readout of panes: what a pixel is and what it was taken for.

import { Readout } from "../readout.js";
import { pairText } from "./error_pixels.js";

/** @import { EmViewer } from "../em_viewer.js" */
/** @import { PixelAnswer } from "../messages.js" */
/** @import { StatusLine } from "../status_line.js" */
/** @import { LinkedPanes } from "./linked_panes.js" */

export class PairReadout extends Readout {
  /**
   * @param {EmViewer} viewer
   * @param {StatusLine} line
   * @param {(id: number | null) => void} onClass
   * @param {LinkedPanes} panes
   */
  constructor(viewer, line, onClass, panes) {
    super(viewer, line, onClass);
    this.panes = panes;
  }

  /** The map that is compared with the reference: that of the pane under the pointer, else the prediction. */
  get compared() {
    return this.panes.pointedSide ?? "prediction";
  }

  /** @type {Readout["showKnown"]} */
  showKnown({ row, col }) {
    const { overlays } = this.panes;
    this.showPair(overlays?.idIn("reference", row, col), overlays?.idIn(this.compared, row, col));
  }

  revisions() {
    const { overlays } = this.panes;
    return [overlays?.entryOf(this.compared)?.id, overlays?.entryOf("reference")?.id];
  }

  /**
   * @param {PixelAnswer} compared
   * @param {PixelAnswer} reference
   */
  showExact(compared, reference) {
    this.showPair(reference.label, compared.label);
  }

  /**
   * @param {number | null | undefined} is
   * @param {number | null | undefined} said
   */
  showPair(is, said) {
    const { classes, safe } = this.viewer;
    const item = classes.find((c) => c.id === is) ?? classes.find((c) => c.id === said);
    /** @param {number} id */
    const nameOf = (id) => classes.find((c) => c.id === id)?.name ?? (id === 0 ? "background" : `class ${id}`);
    const text = pairText(is, said, nameOf, this.panes.story.pixel);
    this.line.setClass(text, item && text ? (safe ? item.safe_color : item.color) : null);
    this.onClass(item ? item.id : null);
  }
}
