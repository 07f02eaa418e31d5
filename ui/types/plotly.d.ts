// As much of Plotly as figures use; its script comes with the Python package, which brings no types.

export interface Layout {
  font?: { color?: string; family?: string; size?: number };
  hoverlabel?: { font: { family: string } };
  dragmode?: string | false;
  meta?: { least_width_px?: number };
  [name: string]: unknown;
}

/** A figure, as Plotly for Python writes it. */
export interface DrawnFigure {
  data: object[];
  layout: Layout;
}

export interface ClickEvent {
  points: { customdata?: unknown }[];
}

/** An element that Plotly has drawn in. */
export interface PlotElement extends HTMLElement {
  on(event: "plotly_click", handler: (event: ClickEvent) => void): void;
}

export interface PlotlyStatic {
  react(element: HTMLElement, data: object[], layout: Layout, config: object): Promise<unknown>;
  toImage(figure: DrawnFigure, options: { format: string; width: number; height: number; scale: number }): Promise<string>;
  purge(element: HTMLElement): void;
  Plots: { resize(element: HTMLElement): void };
}
