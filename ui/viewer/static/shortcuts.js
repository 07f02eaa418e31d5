// Keys of the viewer. They work while the pointer is over it or the focus in it, never while somebody types, never with
// Ctrl, Alt or Meta; a key that is used here does not reach Streamlit, whose own R and C would rerun or clear caches.

export class Shortcuts {
  /**
   * @param host element whose hover and focus count
   * @param actions {key: () => void}; keys as in KeyboardEvent.key, letters in lower case
   * @param held {key: (down) => void}
   */
  constructor(host, actions, held = {}) {
    this.host = host;
    this.actions = actions;
    this.held = held;
    this.down = new Set();
    this.hovered = false;
    const { signal } = (this.abort = new AbortController());
    host.addEventListener("pointerenter", () => { this.hovered = true; }, { signal });
    host.addEventListener("pointerleave", () => { this.hovered = false; }, { signal });
    window.addEventListener("keydown", (event) => this.onDown(event), { capture: true, signal });
    window.addEventListener("keyup", (event) => this.onUp(event), { capture: true, signal });
    window.addEventListener("blur", () => this.releaseAll(), { signal });
  }

  isActive(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return false;
    const path = event.composedPath();
    if (path[0] instanceof Element && path[0].dataset?.ownKeys !== undefined && event.key?.startsWith("Arrow")) return false;
    const within = path.includes(this.host);
    if (path.some((node) => node instanceof Element && isTyping(node, within))) return false;
    if (!within && path[0] instanceof Element && path[0].closest("[role=dialog], [role=menu], [role=listbox]")) return false;
    return within || this.hovered;
  }

  onDown(event) {
    if (!this.isActive(event)) return;
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const onButton = event.composedPath()[0]?.tagName === "BUTTON";
    if (onButton && (key === " " || key === "Enter" || key === "Tab")) return;
    if (isSlider(event) && (key.startsWith("Arrow") || key === "Home" || key === "End")) return;
    const action = this.actions[key];
    if (this.held[key]) {
      if (!this.down.has(key)) this.held[key](true);
      this.down.add(key);
    } else if (!action || action(event) === false) {
      return;
    }
    event.preventDefault();
    event.stopImmediatePropagation();
  }

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

function isTyping(node, within) {
  if (node.isContentEditable || node.tagName === "TEXTAREA" || node.tagName === "SELECT") return true;
  if (node.tagName !== "INPUT") return node.getAttribute("role") === "textbox";
  return !within || !["range", "checkbox", "radio", "button"].includes(node.type);
}

function isSlider(event) {
  const node = event.composedPath()[0];
  return (node?.tagName === "INPUT" && node.type === "range") || node?.role === "slider";
}
