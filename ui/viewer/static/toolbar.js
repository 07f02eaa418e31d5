// The row of tools above the image. It only knows names of actions; the viewer says what is on.

import { h, iconButton } from "./dom.js";
import { ICONS } from "./icons.js";

export class Toolbar {
  /** @param actions object of functions: zoomIn, zoomOut, fit, actual, … and setOpacity(value) */
  constructor(actions) {
    const tool = (icon, label, key, name, extra) => iconButton(ICONS[icon], label, key, () => actions[name](), extra);
    this.zoomText = h("button", { type: "button", class: "zoom-text", "data-tip": "Actual pixels  (Z)", "aria-label": "Zoom; click for actual pixels", onclick: () => actions.actual() });
    this.opacity = h("input", {
      type: "range", min: 0, max: 100, step: 1, class: "slider", "aria-label": "Opacity of the masks",
      oninput: (event) => actions.setOpacity(Number(event.target.value) / 100),
    });
    this.buttons = {
      eye: tool("eye", "Hide masks", "H", "toggleOverlay"),
      outline: tool("outline", "Fill or outline", "O", "toggleOutline"),
      confidence: tool("confidence", "Model confidence", "C", "toggleConfidence"),
      palette: tool("palette", "Colour-blind-safe palette", "P", "togglePalette"),
      adjust: tool("adjust", "Brightness and contrast", "B", "toggleAdjust", { "aria-haspopup": "dialog" }),
      scale: tool("ruler", "Set the scale on the image's scale bar", "S", "toggleScale", { "aria-haspopup": "dialog" }),
      legend: tool("legend", "Classes", "L", "toggleLegend"),
      map: tool("map", "Overview map", "M", "toggleMap"),
      help: tool("help", "Keyboard shortcuts", "?", "toggleHelp", { "aria-haspopup": "dialog" }),
      fullScreen: tool("fullScreen", "Full screen", "F", "toggleFullScreen"),
    };
    const { eye, outline, confidence, palette, adjust, scale, legend, map, help, fullScreen } = this.buttons;
    this.overlayGroup = h("div", { class: "group overlay-tools" }, eye, outline,
      h("label", { class: "opacity", "data-tip": "Opacity  ([ and ])" }, this.opacity), palette, confidence);
    this.element = h("div", { class: "toolbar", role: "toolbar", "aria-label": "Viewer tools" },
      h("div", { class: "group" }, tool("zoomOut", "Zoom out", "−", "zoomOut"), this.zoomText,
        tool("zoomIn", "Zoom in", "+", "zoomIn"), tool("fit", "Fit to window", "0", "fit")),
      this.overlayGroup,
      h("div", { class: "group" }, adjust, scale),
      h("div", { class: "space" }),
      h("div", { class: "group last" }, legend, map, help, fullScreen));
  }

  setZoom(zoom) {
    const percent = zoom * 100;
    const text = `${percent >= 10 ? Math.round(percent) : Number(percent.toPrecision(2))} %`;
    if (this.zoomText.textContent !== text) this.zoomText.textContent = text;
  }

  /** @param state {overlay, outline, confidence, safe, legend, map, adjust, help, hasLabels, hasConfidence, opacity} */
  show(state) {
    const { buttons } = this;
    const pressed = (button, on) => {
      button.classList.toggle("on", Boolean(on));
      button.setAttribute("aria-pressed", String(Boolean(on)));
    };
    setIcon(buttons.eye, state.overlay ? "eye" : "eyeOff");
    describe(buttons.eye, state.overlay ? "Hide masks" : "Show masks", "H");
    pressed(buttons.eye, !state.overlay);
    setIcon(buttons.outline, state.outline ? "outline" : "fill");
    describe(buttons.outline, state.outline ? "Fill masks" : "Outline masks", "O");
    pressed(buttons.outline, state.outline);
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
    this.opacity.value = Math.round(state.opacity * 100);
    this.opacity.style.setProperty("--filled", `${Math.round(state.opacity * 100)}%`);
  }
}

function setIcon(button, name) {
  if (button.dataset.icon === name) return;
  button.dataset.icon = name;
  button.innerHTML = ICONS[name];
}

function describe(button, label, key) {
  button.setAttribute("aria-label", label);
  button.dataset.tip = `${label}  (${key})`;
}
