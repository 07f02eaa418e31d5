// How somebody likes to look at label maps: remembered by the browser, for each viewer of the app.

const DEFAULTS = {
  opacity: 0.45,
  outline: false,
  palette: "standard",
  minimap: true,
  legend: null, // null: open where there is room
};

export class ViewSettings {
  constructor(key) {
    this.key = `cristae.viewer.${key}`;
    this.values = { ...DEFAULTS, ...stored(this.key) };
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    this.values[name] = value;
    try {
      window.localStorage.setItem(this.key, JSON.stringify(this.values));
    } catch {
      // private windows may refuse: then it lasts as long as the page
    }
  }
}

function stored(key) {
  try {
    const values = JSON.parse(window.localStorage.getItem(key) ?? "{}");
    return Object.fromEntries(Object.entries(values).filter(([name]) => name in DEFAULTS));
  } catch {
    return {};
  }
}
