// OpenSeadragon is a classic script: loaded once a page, from beside this module.

const OPENSEADRAGON = "./vendor/openseadragon-6.1.1/openseadragon.min.js";

let loading = null;

/** The OpenSeadragon namespace. Rejects when the script cannot be loaded; the next call tries again. */
export function loadOpenSeadragon() {
  loading ??= new Promise((resolve, reject) => {
    if (window.OpenSeadragon) {
      resolve(window.OpenSeadragon);
      return;
    }
    const script = document.createElement("script");
    script.src = new URL(OPENSEADRAGON, import.meta.url).href;
    script.onload = () => resolve(window.OpenSeadragon);
    script.onerror = () => {
      loading = null;
      script.remove();
      reject(new Error("The image viewer's script could not be loaded."));
    };
    document.head.append(script);
  });
  return loading;
}
