// One press of the browser's Back leads back one step. Streamlit adds an entry to the browser's history for each change
// of the address, also where the script completes what a person chose: an image, then its model. What follows without a
// gesture of the person replaces the entry instead.

/**
 * What is patched of a window.
 * @typedef {EventTarget & {history: Pick<History, "pushState" | "replaceState">, location: {href: string}, [installed]?: true}} PatchedWindow
 */

const installed = Symbol.for("cristae.history");
const GESTURES = ["pointerdown", "keydown", "drop"];

/**
 * Patch a window's history.
 * @param {PatchedWindow} target window, or what a test gives for it
 */
export function oneEntryPerGesture(target) {
  if (target[installed]) return;
  let gesture = false;
  for (const type of GESTURES) target.addEventListener(type, () => { gesture = true; }, { capture: true });
  target.addEventListener("popstate", () => { gesture = false; });
  const { history } = target;
  const push = history.pushState.bind(history);
  history.pushState = (state, title, url) => {
    if (url !== undefined && url !== null && new URL(url, target.location.href).href === target.location.href) return;
    if (gesture) push(state, title, url);
    else history.replaceState(state, title, url);
    gesture = false;
  };
  target[installed] = true;
}

export default function mount() {
  oneEntryPerGesture(/** @type {PatchedWindow} */ (window));
}
