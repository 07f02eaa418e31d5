// Where a prediction is wrong, drawn from its tiles and the reference's.

import { context2d } from "../dom.js";
import { LabelLayer } from "../label_layer.js";
import { labelTable } from "../palette.js";
import { errorTable, outcomeTable } from "./error_colors.js";
import { mistaken, outcomesOf, takenFor } from "./error_pixels.js";
import { PairTiles } from "./pair_tiles.js";

/** @import { View } from "../geometry.js" */
/** @import { ImageFacts } from "../messages.js" */
/** @import { Look } from "../overlays.js" */
/** @import { Combine } from "./pair_tiles.js" */

/**
 * What an error layer is made of: the layers whose tiles are compared, the class whose outcomes are shown (null: what was
 * taken for what), and the element to draw in.
 * @typedef {{reference: LabelLayer, prediction: LabelLayer, classId: number | null, host: HTMLElement}} ErrorParts
 */

const KEPT = 48; // coloured tiles of 1 MiB
const STRIPE_CSS_PX = 4;
const BETWEEN = 0.22; // opacity between the stripes, so that what is smaller than a stripe is seen as well
const FILL_OPACITY = 0.2; // above that of the masks: errors are what one looks for
const STRIPE_OPACITY = 0.45;

export class ErrorLayer {
  /**
   * @param {ErrorParts & {image: ImageFacts}} options
   */
  constructor({ image, reference, prediction, classId, host }) {
    /** @type {ErrorParts} */
    this.made = { reference, prediction, classId, host };
    this.classId = classId;
    /** @param {Combine} combine */
    const layer = (combine) => new LabelLayer({
      image, table: new Uint32Array(256), kept: KEPT, tiles: new PairTiles(reference.tiles, prediction.tiles, combine),
    });
    this.fill = layer(classId === null ? takenFor : outcomesOf(classId));
    this.stripes = classId === null ? layer(mistaken) : null;
    for (const each of this.layers) host.append(each.canvas);
  }

  /**
   * Whether it is made of just these.
   * @param {{[K in keyof ErrorParts]: ErrorParts[K] | null | undefined}} parts
   */
  isOf(parts) {
    const { reference, prediction, classId, host } = this.made;
    return parts.reference === reference && parts.prediction === prediction && parts.classId === classId && parts.host === host;
  }

  get layers() {
    return this.stripes ? [this.fill, this.stripes] : [this.fill];
  }

  /** @param {Look} look */
  setLook(look) {
    this.fill.setTable(this.classId === null ? errorTable(look) : outcomeTable());
    this.fill.opacity = Math.min(1, look.opacity + FILL_OPACITY);
    if (this.stripes) {
      this.stripes.setTable(labelTable(look.classes, look));
      this.stripes.opacity = Math.min(1, look.opacity + STRIPE_OPACITY);
    }
    for (const each of this.layers) each.visible = look.shown;
  }

  /**
   * After the two maps were drawn or asked for: see LabelLayer.
   * @param {View} view
   */
  draw(view) {
    this.fill.draw(view);
    this.stripes?.draw(view);
    if (this.stripes?.visible) stripe(this.stripes.context, view);
  }

  close() {
    for (const each of this.layers) each.close();
  }
}

/**
 * Leave stripes of what is on a canvas. They are as wide at every zoom, and stay with the image when it moves.
 * @param {CanvasRenderingContext2D} context
 * @param {View} view
 */
function stripe(context, view) {
  const width = Math.max(2, Math.round(STRIPE_CSS_PX * (window.devicePixelRatio || 1)));
  const period = 2 * width;
  const pattern = context.createPattern(patternOf(width), "repeat");
  /** @param {number} start */
  const shift = (start) => Math.round(-start * view.scale) % period;
  if (!pattern) return;
  pattern.setTransform(new DOMMatrix().translate(shift(view.x0), shift(view.y0)));
  context.save();
  context.globalCompositeOperation = "destination-in";
  context.fillStyle = pattern;
  context.fillRect(0, 0, view.width, view.height);
  context.restore();
}

/** @type {Map<number, HTMLCanvasElement>} */
const patterns = new Map();

/**
 * One period of diagonal stripes, as an opacity.
 * @param {number} width
 * @returns {HTMLCanvasElement}
 */
function patternOf(width) {
  const period = 2 * width;
  const known = patterns.get(width);
  if (known) return known;
  const canvas = Object.assign(document.createElement("canvas"), { width: period, height: period });
  const context = context2d(canvas);
  const bitmap = context.createImageData(period, period);
  for (let y = 0; y < period; y += 1) {
    for (let x = 0; x < period; x += 1) {
      bitmap.data[4 * (y * period + x) + 3] = (x + y) % period < width ? 255 : Math.round(255 * BETWEEN);
    }
  }
  context.putImageData(bitmap, 0, 0);
  patterns.set(width, canvas);
  return canvas;
}
