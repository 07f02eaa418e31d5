// Plotly, as its Python package brings it, loaded once per page from our own server.

let loading = null;

export function loadPlotly(address) {
  loading ??= new Promise((resolve, reject) => {
    if (window.Plotly) {
      resolve(window.Plotly);
      return;
    }
    const script = document.createElement("script");
    script.src = new URL(address, document.baseURI).href;
    script.onload = () => resolve(window.Plotly);
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error("The figures could not be loaded. Check the connection and reload the page."));
    };
    document.head.append(script);
  });
  return loading;
}
