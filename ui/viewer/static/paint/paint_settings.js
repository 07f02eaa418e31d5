// Tool, class, size and the like, as somebody left them: remembered by the browser.

const KEY = "cristae.paint";
const KEPT = ["tool", "classId", "size", "step", "smart", "tolerance"];

export class PaintSettings {
  get values() {
    try {
      const values = JSON.parse(window.localStorage.getItem(KEY) ?? "{}");
      return Object.fromEntries(Object.entries(values).filter(([name]) => KEPT.includes(name)));
    } catch {
      return {};
    }
  }

  keep(choice) {
    try {
      window.localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(KEPT.map((name) => [name, choice[name]]))));
    } catch {
      // private windows may refuse: then it lasts as long as the page
    }
  }
}
