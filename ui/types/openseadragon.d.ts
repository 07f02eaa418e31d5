// As much of OpenSeadragon 6.1 as the viewer uses: the vendored script brings no types.

export interface Point {
  x: number;
  y: number;
}

export interface Bounds extends Point {
  width: number;
  height: number;
}

export interface Viewport {
  getContainerSize(): Point;
  getZoom(current?: boolean): number;
  getCenter(current?: boolean): Point;
  getBounds(current?: boolean): Bounds;
  pointFromPixel(pixel: Point, current?: boolean): Point;
  deltaPointsFromPixels(delta: Point, current?: boolean): Point;
  zoomTo(zoom: number, about: Point | null, immediately?: boolean): void;
  zoomBy(factor: number, about?: Point | null, immediately?: boolean): void;
  panTo(centre: Point, immediately?: boolean): void;
  panBy(delta: Point, immediately?: boolean): void;
  fitBounds(bounds: Bounds, immediately?: boolean): void;
  applyConstraints(immediately?: boolean): void;
}

export interface TiledImage {
  getBounds(current?: boolean): Bounds;
  getFullyLoaded(): boolean;
  viewportToImageCoordinates(point: Point, current?: boolean): Point;
  imageToViewportCoordinates(x: number, y: number): Point;
  viewportToImageZoom(zoom: number): number;
  imageToViewportZoom(zoom: number): number;
}

/** The drawer for 2D canvases, which the viewer asks for. */
export interface CanvasDrawer {
  canvas: HTMLCanvasElement;
  context: CanvasRenderingContext2D;
  sketchContext?: CanvasRenderingContext2D | null;
  setImageSmoothingEnabled(on: boolean): void;
}

export interface Navigator {
  element: HTMLElement;
  drawer?: CanvasDrawer;
  update(viewport: Viewport): void;
}

export type Handler = (event: { message?: string }) => void;

/** Gestures of the element under it, by the names of its options. */
export interface MouseTracker {
  dragHandler: unknown;
  dragEndHandler: unknown;
  scrollHandler: unknown;
  pinchHandler: unknown;
  clickHandler: unknown;
  dblClickHandler: unknown;
  destroy(): void;
}

export interface TileSource {
  width: number;
  height: number;
  tileSize: number;
  tileOverlap: number;
  minLevel: number;
  maxLevel: number;
  getTileUrl(level: number, column: number, row: number): string;
}

export interface Viewer {
  canvas: HTMLElement;
  drawer: CanvasDrawer;
  innerTracker: MouseTracker;
  navigator?: Navigator;
  viewport: Viewport;
  world: { getItemAt(index: number): TiledImage | undefined };
  addHandler(event: string, handler: Handler): void;
  addTiledImage(options: { tileSource: TileSource; index: number; replace: boolean }): void;
  destroy(): void;
}

export interface OpenSeadragonStatic {
  (options: { element: HTMLElement; tileSources: TileSource[]; [option: string]: unknown }): Viewer;
  Point: new (x: number, y: number) => Point;
  MouseTracker: new (options: Partial<MouseTracker> & { element: HTMLElement }) => MouseTracker;
}
