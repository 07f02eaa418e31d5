// Classic scripts leave what they bring on the window.

import type { OpenSeadragonStatic } from "./openseadragon.js";
import type { PlotlyStatic } from "./plotly.js";

declare global {
  interface Window {
    OpenSeadragon?: OpenSeadragonStatic;
    Plotly?: PlotlyStatic;
  }
}
