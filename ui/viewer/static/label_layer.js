// One label or confidence map, drawn on its own canvas in step with the image beneath.

import { magnification, onCanvas, pickLevel, visibleTiles } from "./geometry.js";
import { colourise, outlined, padded } from "./label_pixels.js";
import { Lru } from "./lru.js";
import { TileStore, tileKey } from "./tile_store.js";

const PICTURES = 160; // coloured tiles kept, of 1 MiB each, where there is one layer or few
const LINE_CSS_PX = 1.7;

export class LabelLayer {
  /**
   * @param options address (see TileStore), image {width_px, height_px, levels, tile_px}, table (256 packed colours),
   *   outline, opacity, kept (coloured tiles), events; or, in place of address and events, tiles worked out by others
   *   (see panes/pair_tiles.js)
   */
  constructor({ address, image, table, outline = false, opacity = 1, kept = PICTURES, tiles = null, events }) {
    this.image = image;
    this.table = table;
    this.outline = outline;
    this.visible = true;
    this.canvas = document.createElement("canvas");
    this.canvas.className = "label-canvas";
    this.context = this.canvas.getContext("2d");
    this.opacity = opacity;
    this.pictures = new Lru(kept);
    this.shapes = new Lru(kept);
    this.tableVersion = 0;
    this.tiles = tiles ?? new TileStore(address, {
      ...events,
      onTile: (key) => {
        this.forget(key);
        events.onTile(key);
      },
    });
  }

  set opacity(value) {
    this.canvas.style.opacity = value;
  }

  setTable(table) {
    this.table = table;
    this.tableVersion += 1;
  }

  /** Drop what was drawn from a tile, and the outlines of its neighbours, which look across the border. */
  forget(key) {
    const [level, row, col] = key.split("/").map(Number);
    for (const [shapeKey, shape] of [...this.shapes.entries()]) {
      if (shape.level !== level || Math.abs(shape.row - row) > 1 || Math.abs(shape.col - col) > 1) continue;
      this.shapes.delete(shapeKey);
      this.pictures.delete(shapeKey);
    }
    this.pictures.delete(key);
  }

  /** Draw for a view (see geometry.js) and ask for the tiles that are missing. */
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

  /** Ask for the tiles of a view: part of drawing, and for those who need the ids without the picture. */
  request(view) {
    this.tiles.want(this.missing(view, pickLevel(view.scale, this.image.levels)));
  }

  drawLevel(view, level) {
    const span = this.image.tile_px * 2 ** level;
    const shift = this.outline && level === 0 ? magnification(view.scale) : 0;
    const pixel = (view.scale * 2 ** level) / 2 ** shift;
    const thickness = Math.max(1, Math.round((LINE_CSS_PX * (window.devicePixelRatio || 1)) / pixel));
    this.context.imageSmoothingEnabled = this.outline || pixel < 1;
    const { row0, row1, col0, col1 } = visibleTiles(view, this.image, span);
    for (let row = row0; row < row1; row += 1) {
      for (let col = col0; col < col1; col += 1) {
        const tile = this.tiles.get(level, row, col);
        if (!tile) this.drawSubstitute(view, level, row, col);
        else if (shift) this.drawParts(view, tile, shift, thickness);
        else this.blit(view, this.picture(tile, thickness), 1, tile, span);
      }
    }
  }

  blit(view, picture, unit, tile, span) {
    const pixel = span / this.image.tile_px;
    const at = onCanvas(view, tile.col * span, tile.row * span, tile.width * pixel, tile.height * pixel);
    this.context.drawImage(picture, at.left, at.top, at.width, at.height);
  }

  /** Outlines of a magnified full-resolution tile: only the parts in view, each computed at the magnified grid. */
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

  /** The tile itself in colours, or its outlines. */
  picture(tile, thickness) {
    if (!this.outline) return this.coloured(tileKey(tile.level, tile.row, tile.col), tile);
    const key = `0:${thickness}:${tileKey(tile.level, tile.row, tile.col)}`;
    const shape = this.shape(key, tile, () =>
      outlined(padded(tile, 0, 0, tile.width, tile.height, thickness, this.neighbours(tile)), thickness, 0, thickness));
    return this.coloured(key, shape);
  }

  neighbours(tile) {
    return (dRow, dCol) => this.tiles.tiles.peek(tileKey(tile.level, tile.row + dRow, tile.col + dCol)) ?? null;
  }

  shape(key, tile, make) {
    let shape = this.shapes.get(key);
    if (!shape) {
      shape = { ...make(), level: tile.level, row: tile.row, col: tile.col };
      this.shapes.set(key, shape);
    }
    return shape;
  }

  /** A canvas with the ids of a tile or shape in today's colours. */
  coloured(key, { data, width, height }) {
    let picture = this.pictures.get(key);
    if (picture?.version === this.tableVersion && picture.source === data) return picture.canvas;
    if (!picture || picture.canvas.width !== width || picture.canvas.height !== height) {
      const canvas = document.createElement("canvas");
      canvas.width = width;
      canvas.height = height;
      picture = { canvas, context: canvas.getContext("2d"), bitmap: new ImageData(width, height) };
      this.pictures.set(key, picture);
    }
    colourise(data, this.table, new Uint32Array(picture.bitmap.data.buffer));
    picture.context.putImageData(picture.bitmap, 0, 0);
    picture.version = this.tableVersion;
    picture.source = data;
    return picture.canvas;
  }

  /** Something to show until a tile comes: a coarser one enlarged, then finer ones over it. */
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

  /** Tiles to ask for: in view from the middle outwards, the coarsest one first so that there is always something. */
  missing(view, level) {
    const top = this.image.levels - 1;
    const span = this.image.tile_px * 2 ** level;
    const { row0, row1, col0, col1 } = visibleTiles(view, this.image, span);
    const list = [];
    for (let row = row0; row < row1; row += 1) for (let col = col0; col < col1; col += 1) list.push([level, row, col]);
    const middleRow = (view.y0 + view.height / view.scale / 2) / span - 0.5;
    const middleCol = (view.x0 + view.width / view.scale / 2) / span - 0.5;
    const distance = ([, row, col]) => (row - middleRow) ** 2 + (col - middleCol) ** 2;
    list.sort((a, b) => distance(a) - distance(b));
    return level === top ? list : [[top, 0, 0], ...list];
  }

  /** The id at an image pixel from the finest tile that is here, or null. */
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
