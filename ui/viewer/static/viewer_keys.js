// What the viewer's buttons and keys do.

/** @import { EmViewer } from "./em_viewer.js" */
/** @import { HeldKeys, Keys } from "./shortcuts.js" */
/** @import { ToolActions } from "./toolbar.js" */

const PAN_STEP_PX = 90;
const OPACITY_STEP = 0.1;
const ZOOM_STEP = 1.5;

/**
 * @param {EmViewer} viewer
 * @returns {ToolActions}
 */
export function actionsOf(viewer) {
  return {
    zoomIn: () => viewer.base?.zoomBy(ZOOM_STEP),
    zoomOut: () => viewer.base?.zoomBy(1 / ZOOM_STEP),
    fit: () => viewer.base?.fit(),
    actual: () => viewer.base?.goTo({ ...viewer.base.place(), zoom: 1 / (window.devicePixelRatio || 1) }),
    toggleOverlay: () => viewer.change({ overlay: !viewer.state.overlay }),
    toggleOutline: () => viewer.prefer("outline", !viewer.settings.get("outline")),
    toggleObjects: () => viewer.prefer("objects", !viewer.settings.get("objects")),
    toggleConfidence: () => viewer.change({ confidence: viewer.hasConfidence && !viewer.state.confidence }),
    togglePalette: () => viewer.prefer("palette", viewer.safe ? "standard" : "safe"),
    toggleAdjust: () => viewer.setAdjust(!viewer.state.adjust),
    toggleLegend: () => viewer.setLegend(!viewer.legendOpen),
    toggleMap: () => viewer.setMap(!viewer.settings.get("minimap")),
    toggleHelp: () => viewer.setHelp(!viewer.state.help),
    toggleFullScreen: () => viewer.toggleFullScreen(),
    toggleScale: () => viewer.scale?.toggle(),
    setOpacity: (value) => viewer.prefer("opacity", Math.round(Math.min(1, Math.max(0, value)) * 100) / 100),
  };
}

/**
 * @param {EmViewer} viewer
 * @returns {Keys}
 */
export function keysOf(viewer) {
  const a = viewer.actions;
  const opacity = () => viewer.settings.get("opacity");
  /** @type {Keys} */
  const keys = {
    "+": a.zoomIn, "=": a.zoomIn, "-": a.zoomOut, "_": a.zoomOut, "0": a.fit, z: a.actual, h: a.toggleOverlay, o: a.toggleOutline, "#": a.toggleObjects,
    c: a.toggleConfidence, p: a.togglePalette, s: a.toggleScale, b: a.toggleAdjust, l: a.toggleLegend, m: a.toggleMap, f: a.toggleFullScreen,
    i: () => viewer.adjust?.toggleInvert(), "?": a.toggleHelp, a: () => viewer.showAll(), r: () => {},
    "[": () => a.setOpacity(opacity() - OPACITY_STEP), "]": () => a.setOpacity(opacity() + OPACITY_STEP),
    ArrowLeft: () => viewer.base?.panBy(-PAN_STEP_PX, 0), ArrowRight: () => viewer.base?.panBy(PAN_STEP_PX, 0),
    ArrowUp: () => viewer.base?.panBy(0, -PAN_STEP_PX), ArrowDown: () => viewer.base?.panBy(0, PAN_STEP_PX),
    Escape: () => viewer.escape(),
  };
  for (let digit = 1; digit <= 9; digit += 1) keys[digit] = () => viewer.toggleByKey(String(digit));
  return keys;
}

/**
 * Keys that act while they are held down.
 * @param {EmViewer} viewer
 * @returns {HeldKeys}
 */
export function heldKeysOf(viewer) {
  return { " ": (down) => viewer.peek(down) };
}
