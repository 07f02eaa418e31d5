// Making elements.

/**
 * What an attribute may be: null, undefined and false leave it out, true makes it empty.
 * @typedef {string | number | boolean | null | undefined} AttributeValue
 */

/** @typedef {{[K in keyof HTMLElementEventMap as `on${K}`]?: (event: HTMLElementEventMap[K]) => void}} Listeners */

/**
 * Attributes that modules here give to elements; another one is added to this list.
 * @typedef {"accept" | "autocomplete" | "checked" | "class" | "disabled" | "hidden" | "max" | "maxlength" | "min" | "placeholder" | "role" | "rows" |
 *   "spellcheck" | "step" | "style" | "tabindex" | "title" | "type" | `aria-${string}` | `data-${string}`} AttributeName
 */

/** @typedef {Listeners & {[K in AttributeName]?: AttributeValue}} Attributes */

/** @typedef {Node | string | null | undefined | Child[]} Child */

/**
 * An element with attributes (functions under "on…" become listeners) and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Attributes} [attributes]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (typeof value === "function") element.addEventListener(name.slice(2), /** @type {(event: Event) => void} */ (value));
    else element.setAttribute(name, value === true ? "" : String(value));
  }
  const inside = /** @type {(Node | string | null | undefined)[]} */ (children.flat(3));
  element.append(...inside.filter((child) => child !== null && child !== undefined));
  return element;
}

/**
 * A button with an icon, a tooltip and the key that does the same.
 * @param {string} icon its SVG
 * @param {string} label
 * @param {string} key "" for none
 * @param {(event: MouseEvent) => void} onclick
 * @param {Attributes} [extra]
 */
export function iconButton(icon, label, key, onclick, extra = {}) {
  const tip = key ? `${label}  (${key})` : label;
  const button = h("button", { type: "button", class: "tool", "aria-label": label, "data-tip": tip, onclick, ...extra });
  button.innerHTML = icon;
  return button;
}

/**
 * What a canvas is drawn with.
 * @param {HTMLCanvasElement} canvas
 */
export function context2d(canvas) {
  const context = canvas.getContext("2d");
  if (!context) throw new Error("The browser is out of canvas memory. Close other tabs and reload the page.");
  return context;
}

/**
 * Whether something happened in an element that fits a selector.
 * @param {Event} event
 * @param {string} selector
 */
export function isWithin({ target }, selector) {
  return target instanceof Element && target.closest(selector) !== null;
}

/**
 * Run `action` when nothing has asked for it during `waitMs`.
 * @template {unknown[]} A
 * @param {(...args: A) => void} action
 * @param {number} waitMs
 */
export function debounce(action, waitMs) {
  let timer = 0;
  /** @param {A} args */
  const later = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...args), waitMs);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
