// The micrograph itself: OpenSeadragon with our tiles, and the way between image pixels and the canvas.

/** @import { ImageFacts } from "./messages.js" */
/** @import { OpenSeadragonStatic } from "./openseadragon.js" */
/** @import { TiledImage } from "../../types/openseadragon.js" */

/**
 * Where somebody looks: the view's centre in image pixels, CSS pixels per image pixel.
 * @typedef {{row: number, col: number, zoom: number}} Sight
 */

/**
 * @typedef {object} BaseEvents
 * @property {() => void} onOpen
 * @property {() => void} onView
 * @property {(message: string | undefined) => void} onTrouble
 * @property {() => void} onWell
 */

const MAX_ZOOM = 48; // CSS pixels per image pixel
const FIT_MARGIN = 0.96;

/**
 * Size of the overview map: the image's own shape, within a sixth of the viewer's width.
 * @param {ImageFacts} image
 * @param {number} roomPx
 */
function mapSize(image, roomPx) {
  const longest = Math.min(150, Math.max(90, roomPx / 6));
  const unit = longest / Math.max(image.width_px, image.height_px);
  /** @param {number} px */
  const side = (px) => `${Math.max(24, Math.round(px * unit))}px`;
  return { navigatorWidth: side(image.width_px), navigatorHeight: side(image.height_px) };
}

export class BaseImage {
  /**
   * @param {OpenSeadragonStatic} osd the OpenSeadragon namespace
   * @param {HTMLElement} element where to draw
   * @param {ImageFacts} image
   * @param {(level: number, row: number, col: number) => string} address (level, row, col) => URL, level 0 being full resolution
   * @param {BaseEvents} events
   */
  constructor(osd, element, image, address, events) {
    this.osd = osd;
    this.image = image;
    this.address = address;
    this.viewer = osd({
      element,
      drawer: "canvas",
      showNavigationControl: false,
      showNavigator: true,
      navigatorPosition: "BOTTOM_RIGHT",
      ...mapSize(image, element.clientWidth),
      navigatorAutoFade: false,
      navigatorDisplayRegionColor: "#ff4f6d",
      navigatorBorderColor: "transparent",
      navigatorBackground: "transparent",
      navigatorOpacity: 1,
      keyboardNavEnabled: false,
      animationTime: 0.35,
      springStiffness: 9,
      zoomPerScroll: 1.22,
      zoomPerDoubleClick: 2,
      maxZoomPixelRatio: MAX_ZOOM,
      minZoomImageRatio: 0.5,
      visibilityRatio: 0.25,
      preserveImageSizeOnResize: true,
      preserveViewport: true,
      imageLoaderLimit: 4,
      maxImageCacheCount: 320,
      blendTime: 0,
      tileRetryMax: 2,
      tileRetryDelay: 1200,
      timeout: 60000,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true, flickEnabled: false },
      gestureSettingsTouch: { clickToZoom: false, dblClickToZoom: true, pinchRotate: false, flickEnabled: true },
      gestureSettingsPen: { clickToZoom: false },
      tileSources: [this.tileSource()],
      silenceMultiImageWarnings: true,
    });
    /** @type {boolean | null} */
    this.smooth = null; // not known yet
    this.viewer.canvas.removeAttribute("tabindex");
    this.viewer.addHandler("open", () => events.onOpen());
    this.viewer.addHandler("update-viewport", () => {
      this.applySmoothing();
      events.onView();
    });
    this.viewer.addHandler("tile-load-failed", (event) => events.onTrouble(event.message));
    this.viewer.addHandler("tile-loaded", () => events.onWell());
    this.viewer.addHandler("open-failed", (event) => events.onTrouble(event.message));
  }

  tileSource() {
    const { width_px: width, height_px: height, levels, tile_px: tileSize } = this.image;
    const deepest = levels - 1;
    return {
      width,
      height,
      tileSize,
      tileOverlap: 0,
      minLevel: 0,
      maxLevel: deepest,
      /** @type {(level: number, col: number, row: number) => string} */
      getTileUrl: (level, col, row) => this.address(deepest - level, row, col),
    };
  }

  /** The image within OpenSeadragon; there once it is open. */
  get item() {
    return /** @type {TiledImage} */ (this.viewer.world.getItemAt(0));
  }

  get isOpen() {
    return this.viewer.world.getItemAt(0) !== undefined;
  }

  /** What is on the canvas now, in the terms of geometry.js. */
  view() {
    const ratio = window.devicePixelRatio || 1;
    const { viewport } = this.viewer;
    const size = viewport.getContainerSize();
    const cssScale = this.zoom(true);
    const corner = this.item.viewportToImageCoordinates(viewport.pointFromPixel(new this.osd.Point(0, 0), true), true);
    return {
      x0: corner.x,
      y0: corner.y,
      scale: cssScale * ratio,
      width: Math.round(size.x * ratio),
      height: Math.round(size.y * ratio),
    };
  }

  /** CSS pixels per image pixel: now, or where the animation ends. */
  zoom(current = false) {
    return this.item.viewportToImageZoom(this.viewer.viewport.getZoom(current));
  }

  /** Centre and zoom, where the animation ends. */
  place() {
    const centre = this.item.viewportToImageCoordinates(this.viewer.viewport.getCenter(false));
    return { row: centre.y, col: centre.x, zoom: this.zoom() };
  }

  /**
   * @param {Sight} sight
   * @param {boolean} immediately
   */
  goTo(sight, immediately = false) {
    const { row, col, zoom } = sight;
    const { viewport } = this.viewer;
    viewport.zoomTo(this.item.imageToViewportZoom(zoom), null, immediately);
    viewport.panTo(this.item.imageToViewportCoordinates(col, row), immediately);
  }

  fit(immediately = false) {
    const { viewport } = this.viewer;
    viewport.fitBounds(this.item.getBounds(), immediately);
    viewport.zoomBy(FIT_MARGIN, null, immediately);
  }

  /** Whether all of the image is in view, as `fit` shows it. */
  get isFitted() {
    const { x, y } = this.viewer.viewport.getContainerSize();
    const fitting = FIT_MARGIN * Math.min(x / this.image.width_px, y / this.image.height_px);
    return Math.abs(this.zoom() / fitting - 1) < 0.01;
  }

  /**
   * Whether OpenSeadragon has taken note of a size of its element (CSS pixels).
   * @param {number} width
   * @param {number} height
   */
  hasSize(width, height) {
    const { x, y } = this.viewer.viewport.getContainerSize();
    return x === width && y === height;
  }

  /** @param {number} factor */
  zoomBy(factor) {
    this.viewer.viewport.zoomBy(factor);
    this.viewer.viewport.applyConstraints();
  }

  /**
   * @param {number} dx
   * @param {number} dy
   */
  panBy(dx, dy) {
    const { viewport } = this.viewer;
    viewport.panBy(viewport.deltaPointsFromPixels(new this.osd.Point(dx, dy)));
    viewport.applyConstraints();
  }

  /**
   * Move by (dx, dy) and zoom by a factor about the point `at`, all in CSS pixels of the canvas: for two fingers.
   * @param {number} dx
   * @param {number} dy
   * @param {number} factor
   * @param {{x: number, y: number}} at
   */
  pinch(dx, dy, factor, at) {
    const { viewport } = this.viewer;
    viewport.panBy(viewport.deltaPointsFromPixels(new this.osd.Point(-dx, -dy), true), true);
    viewport.zoomBy(factor, viewport.pointFromPixel(new this.osd.Point(at.x, at.y), true), true);
    viewport.applyConstraints(true);
  }

  /**
   * Image row and column under a point of the page, fractions included; null outside the image.
   * @param {number} clientX
   * @param {number} clientY
   * @returns {{row: number, col: number} | null}
   */
  imagePoint(clientX, clientY) {
    if (!this.isOpen) return null;
    const box = this.viewer.canvas.getBoundingClientRect();
    const pixel = new this.osd.Point(clientX - box.left, clientY - box.top);
    const { x, y } = this.item.viewportToImageCoordinates(this.viewer.viewport.pointFromPixel(pixel, true), true);
    return x >= 0 && y >= 0 && x < this.image.width_px && y < this.image.height_px ? { row: y, col: x } : null;
  }

  /** Pixels are crisp squares beyond 1:1, smooth below. */
  applySmoothing() {
    if (!this.isOpen) return;
    const smooth = this.zoom(true) * (window.devicePixelRatio || 1) <= 1.001;
    // canvases that got another size begin with the browser's own smoothing, and tiles are drawn by way of a second one
    const { context, sketchContext } = this.viewer.drawer;
    const all = sketchContext ? [context, sketchContext] : [context];
    if (smooth === this.smooth && all.every((each) => each.imageSmoothingEnabled === smooth)) return;
    this.smooth = smooth;
    for (const each of all) each.imageSmoothingEnabled = smooth;
    this.viewer.drawer.setImageSmoothingEnabled(smooth);
  }

  /**
   * Brightness, contrast, inversion: by the compositor, so at once.
   * @param {string} filter of CSS
   */
  setFilter(filter) {
    this.viewer.drawer.canvas.style.filter = filter;
    const navigator = this.viewer.navigator?.drawer?.canvas;
    if (navigator) navigator.style.filter = filter;
  }

  /**
   * The overview map, where it is wanted and not all of the image is in view anyway.
   * @param {boolean} wanted
   */
  showNavigator(wanted) {
    const { navigator, viewport } = this.viewer;
    if (!navigator) return;
    const seen = viewport.getBounds(true);
    const all = this.item.getBounds();
    const whole = seen.x <= all.x && seen.y <= all.y && seen.x + seen.width >= all.x + all.width && seen.y + seen.height >= all.y + all.height;
    const display = wanted && !whole ? "" : "none";
    if (navigator.element.style.display === display) return;
    navigator.element.style.display = display;
    if (!display) navigator.update(viewport);
  }

  /** Fetch every tile anew, from other addresses or after trouble; the view stays. */
  reload() {
    if (!this.isOpen) return;
    this.viewer.addTiledImage({ tileSource: this.tileSource(), index: 0, replace: true });
  }

  close() {
    this.viewer.destroy();
  }
}
