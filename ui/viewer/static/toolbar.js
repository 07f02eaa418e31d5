// The row of tools above the image. It only knows names of actions; the viewer says what is on.

import { h, iconButton } from "./dom.js";
import { ICONS } from "./icons.js";

/** @import { Attributes } from "./dom.js" */
/** @import { IconName } from "./icons.js" */

/**
 * What is on.
 * @typedef {object} ToolbarState
 * @property {boolean} overlay
 * @property {boolean} outline
 * @property {boolean} objects
 * @property {boolean} confidence
 * @property {boolean} safe
 * @property {boolean} legend
 * @property {boolean} map
 * @property {boolean} adjust
 * @property {boolean} help
 * @property {boolean} hasLabels
 * @property {boolean} hasConfidence
 * @property {boolean} offersScale
 * @property {boolean} measuring
 * @property {number} opacity 0 to 1
 */

/** @typedef {Record<ToolAction, () => unknown> & {setOpacity: (value: number) => void}} ToolActions */

/**
 * @typedef {"zoomIn" | "zoomOut" | "fit" | "actual" | "toggleOverlay" | "toggleOutline" | "toggleObjects" | "toggleConfidence" | "togglePalette" | "toggleAdjust" |
 *   "toggleLegend" | "toggleMap" | "toggleHelp" | "toggleFullScreen" | "toggleScale"} ToolAction
 */

/**
 * The viewer's buttons that have a name of their own.
 * @typedef {"eye" | "outline" | "objects" | "confidence" | "palette" | "adjust" | "scale" | "legend" | "map" | "help" | "fullScreen" | "fit"} ToolName
 */

export class Toolbar {
  /** @param {ToolActions} actions */
  constructor(actions) {
    /**
     * @param {IconName} icon
     * @param {string} label
     * @param {string} key
     * @param {ToolAction} name
     * @param {Attributes} [extra]
     */
    const tool = (icon, label, key, name, extra) => iconButton(ICONS[icon], label, key, () => actions[name](), extra);
    this.zoomText = h("button", { type: "button", class: "zoom-text", "data-tip": "Actual pixels  (Z)", "aria-label": "Zoom; click for actual pixels", onclick: () => actions.actual() });
    this.opacity = h("input", {
      type: "range", min: 0, max: 100, step: 1, class: "slider", "aria-label": "Opacity of the masks",
      oninput: () => actions.setOpacity(Number(this.opacity.value) / 100),
    });
    /** @type {Record<ToolName, HTMLButtonElement>} */
    this.buttons = {
      eye: tool("eye", "Hide masks", "H", "toggleOverlay"),
      outline: tool("outline", "Fill or outline", "O", "toggleOutline"),
      objects: tool("objects", "Show each object in its own shade", "#", "toggleObjects"),
      confidence: tool("confidence", "Model confidence", "C", "toggleConfidence"),
      palette: tool("palette", "Colour-blind-safe palette", "P", "togglePalette"),
      adjust: tool("adjust", "Brightness and contrast", "B", "toggleAdjust", { "aria-haspopup": "dialog" }),
      scale: tool("ruler", "Measure the pixel size on the scale bar", "S", "toggleScale", { "aria-haspopup": "dialog" }),
      legend: tool("legend", "Classes", "L", "toggleLegend"),
      map: tool("map", "Overview map", "M", "toggleMap"),
      help: tool("help", "Keyboard shortcuts", "?", "toggleHelp", { "aria-haspopup": "dialog" }),
      fullScreen: tool("fullScreen", "Full screen", "F", "toggleFullScreen"),
      fit: tool("fit", "Fit to window", "0", "fit"),
    };
    const { eye, outline, objects, confidence, palette, adjust, scale, legend, map, help, fullScreen, fit } = this.buttons;
    this.space = h("div", { class: "space" });
    this.overlayGroup = h("div", { class: "group overlay-tools" }, eye, outline, objects,
      h("label", { class: "opacity", "data-tip": "Opacity  ([ and ])" }, this.opacity), palette, confidence);
    this.element = h("div", { class: "toolbar", role: "toolbar", "aria-label": "Viewer tools" },
      h("div", { class: "group" }, tool("zoomOut", "Zoom out", "−", "zoomOut"), this.zoomText,
        tool("zoomIn", "Zoom in", "+", "zoomIn"), fit),
      this.overlayGroup,
      h("div", { class: "group" }, adjust, scale),
      this.space,
      h("div", { class: "group last" }, legend, map, help, fullScreen));
  }

  /**
   * Elements of a guest, before and after the empty space in the middle.
   * @param {HTMLElement} [start]
   * @param {HTMLElement} [end]
   */
  seat(start, end) {
    if (start) this.space.before(start);
    if (end) this.space.after(end);
  }

  /**
   * Other tooltips, where keys mean something else.
   * @param {Partial<Record<ToolName, string>>} tips
   */
  retip(tips) {
    for (const [name, tip] of Object.entries(tips)) this.buttons[/** @type {ToolName} */ (name)].dataset.tip = tip;
  }

  /** @param {number} zoom CSS pixels per image pixel */
  setZoom(zoom) {
    const percent = zoom * 100;
    const text = `${percent >= 10 ? Math.round(percent) : Number(percent.toPrecision(2))} %`;
    if (this.zoomText.textContent !== text) this.zoomText.textContent = text;
  }

  /** @param {ToolbarState} state */
  show(state) {
    const { buttons } = this;
    /**
     * @param {HTMLButtonElement} button
     * @param {boolean} on
     */
    const pressed = (button, on) => {
      button.classList.toggle("on", on);
      button.setAttribute("aria-pressed", String(on));
    };
    setIcon(buttons.eye, state.overlay ? "eye" : "eyeOff");
    describe(buttons.eye, state.overlay ? "Hide masks" : "Show masks", "H");
    pressed(buttons.eye, !state.overlay);
    setIcon(buttons.outline, state.outline ? "outline" : "fill");
    describe(buttons.outline, state.outline ? "Fill masks" : "Outline masks", "O");
    pressed(buttons.outline, state.outline);
    pressed(buttons.objects, state.objects);
    pressed(buttons.confidence, state.confidence);
    pressed(buttons.palette, state.safe);
    pressed(buttons.legend, state.legend);
    pressed(buttons.map, state.map);
    pressed(buttons.adjust, state.adjust);
    pressed(buttons.help, state.help);
    pressed(buttons.scale, state.measuring);
    buttons.scale.hidden = !state.offersScale;
    this.overlayGroup.hidden = !state.hasLabels;
    buttons.legend.hidden = !state.hasLabels;
    buttons.confidence.hidden = !state.hasConfidence;
    this.opacity.value = String(Math.round(state.opacity * 100));
    this.opacity.style.setProperty("--filled", `${Math.round(state.opacity * 100)}%`);
  }
}

/**
 * @param {HTMLButtonElement} button
 * @param {IconName} name
 */
function setIcon(button, name) {
  if (button.dataset.icon === name) return;
  button.dataset.icon = name;
  button.innerHTML = ICONS[name];
}

/**
 * @param {HTMLButtonElement} button
 * @param {string} label
 * @param {string} key
 */
function describe(button, label, key) {
  button.setAttribute("aria-label", label);
  button.dataset.tip = `${label}  (${key})`;
}
