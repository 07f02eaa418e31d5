// The classes: what each colour means, which are shown, which one stands alone; and, with several maps, which maps.

import { h, iconButton } from "./dom.js";
import { ICONS } from "./icons.js";
import { rampGradient } from "./palette.js";

export class Legend {
  /** @param events toggle(id), isolate(id), hover(id | null), toggleLayer(index), close() */
  constructor(events) {
    this.events = events;
    this.list = h("ul", { class: "classes" });
    this.layers = h("ul", { class: "layers" });
    this.ramp = h("div", { class: "ramp", hidden: true },
      h("span", { class: "ramp-title" }, "Model confidence"),
      h("span", { class: "ramp-bar", style: `background:${rampGradient()}` }),
      h("span", { class: "ramp-ends" }, h("span", {}, "unsure"), h("span", {}, "sure")));
    this.element = h("section", { class: "legend panel", "aria-label": "Classes" },
      h("header", {}, h("span", {}, "Classes"),
        iconButton(ICONS.close, "Close", "L", () => events.close(), { class: "tool small" })),
      this.layers, this.list, this.ramp);
    this.list.addEventListener("pointerleave", () => events.hover(null));
  }

  /** @param state {classes, safe, hidden, isolated, areas: {id: fraction}, layers: [{name, visible}], confidence, under} */
  show(state) {
    this.ramp.hidden = !state.confidence;
    this.showLayers(state.layers);
    const key = JSON.stringify([state.classes, state.areas]);
    if (key !== this.key) {
      this.key = key;
      this.rows = new Map(state.classes.map((item) => [item.id, this.row(item, state.areas[item.id])]));
      this.list.replaceChildren(...this.rows.values());
    }
    for (const item of state.classes) {
      const row = this.rows.get(item.id);
      const shown = state.isolated === null ? !state.hidden.has(item.id) : state.isolated === item.id;
      row.style.setProperty("--class-color", state.safe ? item.safe_color : item.color);
      row.classList.toggle("off", !shown);
      row.classList.toggle("isolated", state.isolated === item.id);
      row.firstElementChild.setAttribute("aria-checked", String(shown));
      row.children[1].setAttribute("aria-pressed", String(state.isolated === item.id));
    }
    this.showUnder(state.under ?? null);
  }

  /** Mark the class under the pointer. */
  showUnder(id) {
    if (this.under === id) return;
    this.rows?.get(this.under)?.classList.remove("under");
    this.rows?.get(id)?.classList.add("under");
    this.under = id;
  }

  row(item, fraction) {
    const { events } = this;
    const swatch = h("button", {
      type: "button", class: "swatch", role: "checkbox", "aria-label": `Show ${item.name}`, onclick: () => events.toggle(item.id),
    });
    const name = h("button", {
      type: "button", class: "class-name", title: `Show only ${item.name}`, onclick: () => events.isolate(item.id),
    }, item.name);
    const area = h("span", { class: "area" }, fraction === undefined ? "" : percentText(fraction));
    const key = h("kbd", {}, item.key ?? "");
    return h("li", { onpointerenter: () => events.hover(item.id) }, swatch, name, area, item.key ? key : null);
  }

  showLayers(layers) {
    this.layers.hidden = layers.length < 2;
    this.layers.replaceChildren(...layers.map((layer, index) => h("li", {},
      h("label", {}, h("input", {
        type: "checkbox", checked: layer.visible, onchange: () => this.events.toggleLayer(index),
      }), layer.name))));
  }
}

export function percentText(fraction) {
  const percent = fraction * 100;
  if (percent === 0) return "0 %";
  return percent < 0.1 ? "<0.1 %" : `${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`;
}
