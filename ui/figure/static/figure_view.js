// One figure: drawn in the theme of the page, downloaded as a paper wants it.

import { messageOf } from "../../viewer/static/problem.js";
import { loadPlotly } from "./plotly.js";

/** @import { ClickEvent, DrawnFigure, PlotElement, PlotlyStatic } from "../../types/plotly.js" */
/** @import { Emit } from "../../viewer/static/messages.js" */

/** @typedef {"png" | "svg" | "csv"} FigureFormat */

/**
 * What `figure` of ui/figure/__init__.py hands over.
 * @typedef {object} FigureProps
 * @property {string} figure as Plotly for Python writes it (JSON)
 * @property {string} csv its numbers
 * @property {string} name of its files, without ending
 * @property {number} height CSS pixels
 * @property {string} plotly the script's address
 */

const PNG_SCALE = 3;
const LEAST_EXPORT_PX = 480;
// system fonts only: a picture is made without the page's fonts, and text measured in one font and set in another is cut off
const EXPORT_FONT = "Arial, Helvetica, sans-serif";
// system fonts are wider than the page's
const EXPORT_ROOM = 1.25;
/** @type {[format: FigureFormat, tip: string][]} */
const DOWNLOADS = [
  ["png", "Image (PNG), 3× resolution"],
  ["svg", "Vector graphic (SVG)"],
  ["csv", "Data of this figure (CSV)"],
];
const ICON =
  '<svg viewBox="0 0 24 24" width="14" height="14" fill="none" stroke="currentColor" stroke-width="2" ' +
  'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true"><path d="M12 4v11M7 11l5 5 5-5M5 20h14"/></svg>';

export class FigureView {
  /**
   * @param {HTMLElement} host
   * @param {FigureProps} data
   * @param {Emit} emit
   */
  constructor(host, data, emit) {
    this.host = host;
    this.emit = emit;
    this.closed = false;
    /** @type {PlotlyStatic | null} */
    this.plotly = null; // once it has drawn
    /** @type {FigureProps | null} */
    this.shown = null;
    this.resizeTimer = 0;
    this.plot = document.createElement("div");
    this.plot.className = "figure-plot";
    const scroll = document.createElement("div");
    scroll.className = "figure-scroll";
    scroll.append(this.plot);
    host.setAttribute("role", "group");
    host.replaceChildren(this.bar(), scroll);
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(host);
    /** @param {TransitionEvent} event */
    this.rethemed = (event) => {
      if (event.target === host && event.propertyName === "color") this.draw();
    };
    host.addEventListener("transitionend", this.rethemed);
    this.data = data;
    /** @type {DrawnFigure} */
    this.drawn = JSON.parse(data.figure);
    this.update(data);
  }

  bar() {
    const bar = document.createElement("div");
    bar.className = "figure-bar";
    for (const [format, tip] of DOWNLOADS) {
      const button = document.createElement("button");
      button.type = "button";
      button.title = tip;
      button.setAttribute("aria-label", tip);
      button.innerHTML = `${ICON}<span>${format.toUpperCase()}</span>`;
      button.addEventListener("click", () => this.download(format));
      bar.append(button);
    }
    return bar;
  }

  /** @param {FigureProps} data */
  update(data) {
    const { shown } = this;
    const same = shown && shown.figure === data.figure && shown.csv === data.csv && shown.name === data.name && shown.height === data.height;
    if (same) return;
    this.data = this.shown = data;
    this.drawn = JSON.parse(data.figure);
    this.host.setAttribute("aria-label", `Figure ${data.name}`);
    this.plot.style.height = `${data.height}px`;
    this.plot.style.minWidth = `${this.leastWidth()}px`;
    this.draw();
  }

  /** Below this width its numbers run into each other: it scrolls instead. */
  leastWidth() {
    return this.drawn.layout.meta?.least_width_px ?? 0;
  }

  /** The layout in the page's colours; what has a colour of its own keeps it. */
  themed() {
    const style = getComputedStyle(this.host);
    const layout = structuredClone(this.drawn.layout);
    layout.font = { ...layout.font, color: style.color, family: style.fontFamily };
    layout.hoverlabel = { font: { family: style.fontFamily } };
    if (matchMedia("(pointer: coarse)").matches) layout.dragmode = false; // a finger scrolls the page
    return { ...layout, autosize: true, width: undefined, height: this.data.height };
  }

  async draw() {
    try {
      const plotly = await loadPlotly(this.data.plotly);
      if (this.closed) return;
      const config = { displayModeBar: false, displaylogo: false, responsive: false };
      await plotly.react(this.plot, structuredClone(this.drawn.data), this.themed(), config);
      if (!this.plotly) {
        this.plotly = plotly;
        /** @type {PlotElement} */ (/** @type {HTMLElement} */ (this.plot)).on("plotly_click", (event) => this.onClick(event));
      }
      this.host.dataset.ready = "true";
    } catch (error) {
      this.plot.textContent = messageOf(error);
    }
  }

  /** @param {ClickEvent} event */
  onClick({ points }) {
    const chosen = points.map((point) => point.customdata).find((value) => typeof value === "string");
    if (chosen !== undefined) this.emit("clicked", chosen);
  }

  resize() {
    clearTimeout(this.resizeTimer);
    this.resizeTimer = setTimeout(() => {
      if (!this.closed && this.plot.offsetWidth) this.plotly?.Plots.resize(this.plot);
    }, 80);
  }

  /** @param {FigureFormat} format */
  async download(format) {
    const name = `${this.data.name}.${format}`;
    if (format === "csv") {
      save(new Blob([this.data.csv], { type: "text/csv;charset=utf-8" }), name);
      return;
    }
    const plotly = await loadPlotly(this.data.plotly);
    const font = { ...this.drawn.layout.font, family: EXPORT_FONT };
    const layout = { ...this.drawn.layout, font, paper_bgcolor: "#ffffff", plot_bgcolor: "#ffffff" };
    const width = Math.ceil(Math.max(this.plot.offsetWidth, LEAST_EXPORT_PX, EXPORT_ROOM * this.leastWidth()));
    const size = { width, height: this.data.height };
    const scale = format === "png" ? PNG_SCALE : 1;
    const address = await plotly.toImage({ data: this.drawn.data, layout }, { format, ...size, scale });
    save(await (await fetch(address)).blob(), name);
  }

  close() {
    this.closed = true;
    clearTimeout(this.resizeTimer);
    this.resizing.disconnect();
    this.host.removeEventListener("transitionend", this.rethemed);
    this.plotly?.purge(this.plot);
  }
}

/**
 * @param {Blob} blob
 * @param {string} name
 */
function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
