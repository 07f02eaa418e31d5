// Keys of the viewer. They work while the pointer is over it or the focus in it, never while somebody types, never with
// Ctrl, Alt or Meta; a key that is used here does not reach Streamlit, whose own R and C would rerun or clear caches.

/** @typedef {Record<string, (down: boolean) => void>} HeldKeys */

/**
 * What keys do, by KeyboardEvent.key, letters in lower case; false: nothing, the key goes on to the page.
 * @typedef {Record<string, () => unknown>} Keys
 */

export class Shortcuts {
  /**
   * @param {HTMLElement} host element whose hover and focus count
   * @param {Keys} actions
   * @param {HeldKeys} held
   */
  constructor(host, actions, held = {}) {
    this.host = host;
    this.actions = actions;
    this.held = held;
    /** @type {Set<string>} */
    this.down = new Set();
    this.hovered = false;
    const { signal } = (this.abort = new AbortController());
    host.addEventListener("pointerenter", () => { this.hovered = true; }, { signal });
    host.addEventListener("pointerleave", () => { this.hovered = false; }, { signal });
    window.addEventListener("keydown", (event) => this.onDown(event), { capture: true, signal });
    window.addEventListener("keyup", (event) => this.onUp(event), { capture: true, signal });
    window.addEventListener("blur", () => this.releaseAll(), { signal });
  }

  /**
   * Whether keys count now.
   * @param {EventTarget[]} path of the event
   */
  isActive(path) {
    const within = path.includes(this.host);
    if (path.some((node) => node instanceof Element && isTyping(node, within))) return false;
    if (!within && path[0] instanceof Element && path[0].closest("[role=dialog], [role=menu], [role=listbox]")) return false;
    return within || this.hovered;
  }

  /** @param {KeyboardEvent} event */
  onDown(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const path = event.composedPath();
    const [target] = path;
    if (target instanceof HTMLElement && target.dataset.ownKeys !== undefined && event.key.startsWith("Arrow")) return;
    if (!this.isActive(path)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const onButton = target instanceof HTMLButtonElement;
    if (onButton && (key === " " || key === "Enter" || key === "Tab")) return;
    if (isSlider(event) && (key.startsWith("Arrow") || key === "Home" || key === "End")) return;
    const action = this.actions[key];
    if (this.held[key]) {
      if (!this.down.has(key)) this.held[key](true);
      this.down.add(key);
    } else if (!action || action() === false) {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }

  /** @param {KeyboardEvent} event */
  onUp(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (this.down.delete(key)) {
      this.held[key](false);
      event.stopImmediatePropagation();
    }
  }

  releaseAll() {
    for (const key of this.down) this.held[key](false);
    this.down.clear();
  }

  close() {
    this.releaseAll();
    this.abort.abort();
  }
}

/**
 * @param {Element} node
 * @param {boolean} within
 */
function isTyping(node, within) {
  if (node instanceof HTMLElement && node.isContentEditable) return true;
  if (node instanceof HTMLTextAreaElement || node instanceof HTMLSelectElement) return true;
  if (!(node instanceof HTMLInputElement)) return node.getAttribute("role") === "textbox";
  return !within || !["range", "checkbox", "radio", "button"].includes(node.type);
}

/** @param {Event} event */
function isSlider(event) {
  const [node] = event.composedPath();
  if (node instanceof HTMLInputElement) return node.type === "range";
  return node instanceof Element && node.role === "slider";
}
