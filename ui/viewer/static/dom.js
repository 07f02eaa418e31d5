// Making elements.

/** An element with attributes (functions under "on…" become listeners) and children. */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat().filter((c) => c !== null && c !== undefined));
  return element;
}

/** A button with an icon, a tooltip and the key that does the same. */
export function iconButton(icon, label, key, onclick, extra = {}) {
  const tip = key ? `${label}  (${key})` : label;
  const button = h("button", { type: "button", class: "tool", "aria-label": label, "data-tip": tip, onclick, ...extra });
  button.innerHTML = icon;
  return button;
}

/** Run `action` when nothing has asked for it during `waitMs`. */
export function debounce(action, waitMs) {
  let timer = 0;
  const later = (...args) => {
    clearTimeout(timer);
    timer = setTimeout(() => action(...args), waitMs);
  };
  later.cancel = () => clearTimeout(timer);
  return later;
}
