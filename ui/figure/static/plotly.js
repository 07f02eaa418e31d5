// Plotly, as its Python package brings it, loaded once per page from our own server.

/** @typedef {import("../../types/plotly.js").PlotlyStatic} PlotlyStatic */

/** @type {Promise<PlotlyStatic> | null} */
let loading = null;

/**
 * @param {string} address
 * @returns {Promise<PlotlyStatic>}
 */
export function loadPlotly(address) {
  loading ??= new Promise((resolve, reject) => {
    if (window.Plotly) {
      resolve(window.Plotly);
      return;
    }
    const script = document.createElement("script");
    script.src = new URL(address, document.baseURI).href;
    const failed = () => {
      loading = null;
      script.remove();
      reject(new Error("The figures could not be loaded. Check the connection and reload the page."));
    };
    script.onload = () => (window.Plotly ? resolve(window.Plotly) : failed());
    script.onerror = failed;
    document.head.append(script);
  });
  return loading;
}
