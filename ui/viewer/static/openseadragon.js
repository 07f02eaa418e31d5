// OpenSeadragon is a classic script: loaded once a page, from beside this module.

/** @typedef {import("../../types/openseadragon.js").OpenSeadragonStatic} OpenSeadragonStatic */

const OPENSEADRAGON = "./vendor/openseadragon-6.1.1/openseadragon.min.js";

/** @type {Promise<OpenSeadragonStatic> | null} */
let loading = null;

/**
 * The OpenSeadragon namespace. Rejects when the script cannot be loaded; the next call tries again.
 * @returns {Promise<OpenSeadragonStatic>}
 */
export function loadOpenSeadragon() {
  loading ??= new Promise((resolve, reject) => {
    if (window.OpenSeadragon) {
      resolve(window.OpenSeadragon);
      return;
    }
    const script = document.createElement("script");
    script.src = new URL(OPENSEADRAGON, import.meta.url).href;
    const failed = () => {
      loading = null;
      script.remove();
      reject(new Error("The image viewer's script could not be loaded."));
    };
    script.onload = () => (window.OpenSeadragon ? resolve(window.OpenSeadragon) : failed());
    script.onerror = failed;
    document.head.append(script);
  });
  return loading;
}
