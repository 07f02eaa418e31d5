// One label or confidence map, drawn on its own canvas in step with the image beneath.

import { context2d } from "./dom.js";
import { magnification, onCanvas, pickLevel, visibleTiles } from "./geometry.js";
import { colourise, outlined, padded } from "./label_pixels.js";
import { Lru } from "./lru.js";
import { colouriseObjects, shadesOf } from "./object_pixels.js";
import { TileStore, tileIndex, tileKey } from "./tile_store.js";

/** @import { View } from "./geometry.js" */
/** @import { Plane } from "./label_pixels.js" */
/** @import { ImageFacts } from "./messages.js" */
/** @import { Shades } from "./object_pixels.js" */
/** @import { IdSource } from "./object_tiles.js" */
/** @import { TileAddress, TileEvents, TileIndex } from "./tile_store.js" */

/** @typedef {LayerLook & {tiles: TileSource}} DerivedLayer */

/** @typedef {LayerLook & {address: TileAddress, events: TileEvents, tiles?: undefined}} FetchedLayer */

/** @typedef {{image: LayerImage, table: Uint32Array, outline?: boolean, opacity?: number, kept?: number}} LayerLook */

/**
 * A tile in colours.
 * @typedef {object} Picture
 * @property {HTMLCanvasElement} canvas
 * @property {CanvasRenderingContext2D} context
 * @property {ImageData} bitmap
 * @property {number} [version] of the table of colours
 * @property {Uint8Array} [source] the classes that are drawn
 * @property {Uint32Array | null} [ids] the objects that are drawn
 */

/**
 * Where a layer has its tiles from: a TileStore, or what stands for one.
 * @typedef {object} TileSource
 * @property {{peek: (key: string) => DrawnTile | undefined}} tiles those that are here
 * @property {(level: number, row: number, col: number) => DrawnTile | undefined} get
 * @property {(list: TileIndex[]) => void} want
 * @property {(version: number, everything?: boolean) => void} refresh
 * @property {() => void} retry
 * @property {() => void} close
 */

/**
 * Ids, and where their tile lies.
 * @typedef {Plane & {level: number, row: number, col: number}} DrawnTile
 */

/** @typedef {Pick<ImageFacts, "width_px" | "height_px" | "levels" | "tile_px">} LayerImage */

const PICTURES = 160; // coloured tiles kept, of 1 MiB each, where there is one layer or few
const LINE_CSS_PX = 1.7;

export class LabelLayer {
  /**
   * @param {FetchedLayer | DerivedLayer} options kept: coloured tiles; tiles: worked out by others (see panes/pair_tiles.js), in
   *   place of address and events
   */
  constructor(options) {
    const { image, table, outline = false, opacity = 1, kept = PICTURES } = options;
    this.image = image;
    this.table = table;
    this.outline = outline;
    this.visible = true;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "label-canvas";
    this.context = context2d(this.canvas);
    this.opacity = opacity;
    /** @type {IdSource | null} */
    this.objects = null; // while each object is shown in a shade of its own
    /** @type {Shades | null} */
    this.shades = null;
    /** @type {Lru<Picture>} */
    this.pictures = new Lru(kept);
    /** @type {Lru<DrawnTile>} */
    this.shapes = new Lru(kept);
    this.tableVersion = 0;
    /** @type {TileSource} */
    this.tiles = options.tiles ?? this.fetched(options);
  }

  /**
   * @param {FetchedLayer} options
   * @returns {TileSource}
   */
  fetched({ address, events }) {
    return new TileStore(address, {
      ...events,
      onTile: (key) => {
        this.forget(key);
        events.onTile(key);
      },
    });
  }

  /** @param {number} value 0 to 1 */
  set opacity(value) {
    this.canvas.style.opacity = String(value);
  }

  /** @param {Uint32Array} table */
  setTable(table) {
    this.table = table;
    this.tableVersion += 1;
  }

  /**
   * Show each object in a shade of its own, or no longer (null). Then opacity is that of what is filled.
   * @param {IdSource | null} objects
   * @param {number} opacity 0 to 1
   */
  setObjects(objects, opacity) {
    this.objects = objects;
    this.shades = objects ? shadesOf(this.table, opacity, this.outline) : null;
    this.tableVersion += 1;
    this.opacity = objects ? 1 : this.outline ? Math.min(1, 0.5 + opacity) : opacity;
  }

  /**
   * Drop what was drawn from a tile, and the outlines of its neighbours, which look across the border.
   * @param {string} key
   */
  forget(key) {
    const [level, row, col] = tileIndex(key);
    for (const [shapeKey, shape] of [...this.shapes.entries()]) {
      if (shape.level !== level || Math.abs(shape.row - row) > 1 || Math.abs(shape.col - col) > 1) continue;
      this.shapes.delete(shapeKey);
      this.pictures.delete(shapeKey);
    }
    this.pictures.delete(key);
  }

  /**
   * Draw for a view (see geometry.js) and ask for the tiles that are missing.
   * @param {View} view
   */
  draw(view) {
    const { canvas, context, image } = this;
    if (canvas.width !== view.width || canvas.height !== view.height) {
      canvas.width = view.width;
      canvas.height = view.height;
    }
    context.clearRect(0, 0, view.width, view.height);
    canvas.style.display = this.visible ? "" : "none";
    if (!this.visible) return;
    const frame = onCanvas(view, 0, 0, image.width_px, image.height_px);
    context.save();
    context.beginPath();
    context.rect(frame.left, frame.top, frame.width, frame.height);
    context.clip();
    const level = pickLevel(view.scale, image.levels);
    this.drawLevel(view, level);
    context.restore();
    this.request(view);
  }

  /**
   * Ask for the tiles of a view: part of drawing, and for those who need the ids without the picture.
   * @param {View} view
   */
  request(view) {
    const missing = this.missing(view, pickLevel(view.scale, this.image.levels));
    this.tiles.want(missing);
    this.objects?.want(missing);
  }

  /**
   * @param {View} view
   * @param {number} level
   */
  drawLevel(view, level) {
    const span = this.image.tile_px * 2 ** level;
    const shift = this.outline && level === 0 && !this.objects ? magnification(view.scale) : 0;
    const pixel = (view.scale * 2 ** level) / 2 ** shift;
    const thickness = Math.max(1, Math.round((LINE_CSS_PX * (window.devicePixelRatio || 1)) / pixel));
    this.context.imageSmoothingEnabled = (this.outline && !this.objects) || pixel < 1;
    const { row0, row1, col0, col1 } = visibleTiles(view, this.image, span);
    for (let row = row0; row < row1; row += 1) {
      for (let col = col0; col < col1; col += 1) {
        const tile = this.tiles.get(level, row, col);
        if (!tile) this.drawSubstitute(view, level, row, col);
        else if (shift) this.drawParts(view, tile, shift, thickness);
        else this.blit(view, this.picture(tile, thickness), tile, span);
      }
    }
  }

  /**
   * @param {View} view
   * @param {HTMLCanvasElement} picture
   * @param {DrawnTile} tile
   * @param {number} span
   */
  blit(view, picture, tile, span) {
    const pixel = span / this.image.tile_px;
    const at = onCanvas(view, tile.col * span, tile.row * span, tile.width * pixel, tile.height * pixel);
    this.context.drawImage(picture, at.left, at.top, at.width, at.height);
  }

  /**
   * Outlines of a magnified full-resolution tile: only the parts in view, each computed at the magnified grid.
   * @param {View} view
   * @param {DrawnTile} tile
   * @param {number} shift
   * @param {number} thickness
   */
  drawParts(view, tile, shift, thickness) {
    const part = this.image.tile_px >> shift;
    const shown = visibleTiles(view, this.image, part);
    const first = 1 << shift;
    const rowEnd = Math.min(shown.row1, (tile.row + 1) * first);
    const colEnd = Math.min(shown.col1, (tile.col + 1) * first);
    for (let row = Math.max(shown.row0, tile.row * first); row < rowEnd; row += 1) {
      for (let col = Math.max(shown.col0, tile.col * first); col < colEnd; col += 1) {
        const x = col * part - tile.col * this.image.tile_px;
        const y = row * part - tile.row * this.image.tile_px;
        const width = Math.min(part, tile.width - x);
        const height = Math.min(part, tile.height - y);
        if (width <= 0 || height <= 0) continue;
        const key = `${shift}:${thickness}:${row}/${col}`;
        const shape = this.shape(key, tile, () => {
          const border = Math.ceil(thickness / 2 ** shift);
          return outlined(padded(tile, x, y, width, height, border, this.neighbours(tile)), border, shift, thickness);
        });
        const at = onCanvas(view, col * part, row * part, width, height);
        this.context.drawImage(this.coloured(key, shape), at.left, at.top, at.width, at.height);
      }
    }
  }

  /**
   * The tile itself in colours, or its outlines.
   * @param {DrawnTile} tile
   * @param {number} thickness
   */
  picture(tile, thickness) {
    if (this.objects || !this.outline) return this.coloured(tileKey(tile.level, tile.row, tile.col), tile);
    const key = `0:${thickness}:${tileKey(tile.level, tile.row, tile.col)}`;
    const shape = this.shape(key, tile, () =>
      outlined(padded(tile, 0, 0, tile.width, tile.height, thickness, this.neighbours(tile)), thickness, 0, thickness));
    return this.coloured(key, shape);
  }

  /**
   * @param {DrawnTile} tile
   * @returns {(dRow: number, dCol: number) => DrawnTile | null}
   */
  neighbours(tile) {
    return (dRow, dCol) => this.tiles.tiles.peek(tileKey(tile.level, tile.row + dRow, tile.col + dCol)) ?? null;
  }

  /**
   * @param {string} key
   * @param {DrawnTile} tile
   * @param {() => Plane} make
   */
  shape(key, tile, make) {
    let shape = this.shapes.get(key);
    if (!shape) {
      shape = { ...make(), level: tile.level, row: tile.row, col: tile.col };
      this.shapes.set(key, shape);
    }
    return shape;
  }

  /**
   * A canvas with the ids of a tile or shape in today's colours.
   * @param {string} key
   * @param {Plane} plane
   */
  coloured(key, plane) {
    const { data, width, height } = plane;
    const ids = this.objects?.get(...tileIndex(key)) ?? null;
    let picture = this.pictures.get(key);
    if (picture?.version === this.tableVersion && picture.source === data && picture.ids === ids) return picture.canvas;
    if (!picture || picture.canvas.width !== width || picture.canvas.height !== height) {
      const canvas = document.createElement("canvas");
      canvas.width = width;
      canvas.height = height;
      picture = { canvas, context: context2d(canvas), bitmap: new ImageData(width, height) };
      this.pictures.set(key, picture);
    }
    this.write(plane, ids, { row: 0, col: 0, height, width }, new Uint32Array(picture.bitmap.data.buffer));
    picture.context.putImageData(picture.bitmap, 0, 0);
    picture.version = this.tableVersion;
    picture.source = data;
    picture.ids = ids;
    return picture.canvas;
  }

  /**
   * Write the colours of a part of a tile.
   * @param {Plane} plane
   * @param {Uint32Array | null} ids
   * @param {{row: number, col: number, height: number, width: number}} rect
   * @param {Uint32Array} out of the size of `rect`
   */
  write(plane, ids, rect, out) {
    if (this.shades) {
      colouriseObjects(plane, ids, rect, this.shades, out);
      return;
    }
    for (let y = 0; y < rect.height; y += 1) {
      const from = (rect.row + y) * plane.width + rect.col;
      colourise(plane.data.subarray(from, from + rect.width), this.table, out.subarray(y * rect.width, (y + 1) * rect.width));
    }
  }

  /**
   * Something to show until a tile comes: a coarser one enlarged, then finer ones over it.
   * @param {View} view
   * @param {number} level
   * @param {number} row
   * @param {number} col
   */
  drawSubstitute(view, level, row, col) {
    const span = this.image.tile_px * 2 ** level;
    for (let up = 1; level + up < this.image.levels; up += 1) {
      const parent = this.tiles.get(level + up, row >> up, col >> up);
      if (!parent) continue;
      const size = this.image.tile_px >> up;
      const x = (col - ((col >> up) << up)) * size;
      const y = (row - ((row >> up) << up)) * size;
      const width = Math.min(size, parent.width - x);
      const height = Math.min(size, parent.height - y);
      if (width <= 0 || height <= 0 || size < 1) break;
      const pixel = 2 ** (level + up);
      const at = onCanvas(view, col * span, row * span, width * pixel, height * pixel);
      const picture = this.picture(parent, 1);
      this.context.drawImage(picture, x, y, width, height, at.left, at.top, at.width, at.height);
      break;
    }
    if (level === 0) return;
    for (const [dRow, dCol] of [[0, 0], [0, 1], [1, 0], [1, 1]]) {
      const child = this.tiles.get(level - 1, 2 * row + dRow, 2 * col + dCol);
      if (!child) continue;
      const half = span / 2;
      const at = onCanvas(view, child.col * half, child.row * half, (child.width * half) / this.image.tile_px,
        (child.height * half) / this.image.tile_px);
      this.context.clearRect(at.left, at.top, at.width, at.height);
      this.context.drawImage(this.picture(child, 1), at.left, at.top, at.width, at.height);
    }
  }

  /**
   * Tiles to ask for: in view from the middle outwards, the coarsest one first so that there is always something.
   * @param {View} view
   * @param {number} level
   * @returns {TileIndex[]}
   */
  missing(view, level) {
    const top = this.image.levels - 1;
    const span = this.image.tile_px * 2 ** level;
    const { row0, row1, col0, col1 } = visibleTiles(view, this.image, span);
    /** @type {TileIndex[]} */
    const list = [];
    for (let row = row0; row < row1; row += 1) for (let col = col0; col < col1; col += 1) list.push([level, row, col]);
    const middleRow = (view.y0 + view.height / view.scale / 2) / span - 0.5;
    const middleCol = (view.x0 + view.width / view.scale / 2) / span - 0.5;
    /** @param {TileIndex} index */
    const distance = ([, row, col]) => (row - middleRow) ** 2 + (col - middleCol) ** 2;
    list.sort((a, b) => distance(a) - distance(b));
    return level === top ? list : [[top, 0, 0], ...list];
  }

  /**
   * The id at an image pixel from the finest tile that is here, or null.
   * @param {number} row
   * @param {number} col
   * @returns {number | null}
   */
  idAt(row, col) {
    for (let level = 0; level < this.image.levels; level += 1) {
      const y = row >> level;
      const x = col >> level;
      const size = this.image.tile_px;
      const tile = this.tiles.tiles.peek(tileKey(level, Math.floor(y / size), Math.floor(x / size)));
      if (tile) return tile.data[(y % size) * tile.width + (x % size)];
    }
    return null;
  }

  close() {
    this.tiles.close();
    this.pictures.clear();
    this.shapes.clear();
    this.canvas.remove();
  }
}
