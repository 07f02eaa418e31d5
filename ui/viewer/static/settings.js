// How somebody likes to look at label maps: remembered by the browser, for each viewer of the app.

/**
 * @typedef {object} Settings
 * @property {number} opacity 0 to 1
 * @property {boolean} outline
 * @property {boolean} objects whether each object has a shade of its own
 * @property {"standard" | "safe"} palette
 * @property {boolean} minimap
 * @property {boolean | null} legend null: open where there is room
 */

/** @type {Settings} */
const DEFAULTS = {
  opacity: 0.45,
  outline: false,
  objects: false,
  palette: "standard",
  minimap: true,
  legend: null,
};

/** @type {(value: unknown) => boolean} */
const isSwitch = (value) => typeof value === "boolean";

/**
 * What may be taken over: another version of the app may have kept something else under these names.
 * @type {{[N in keyof Settings]: (value: unknown) => boolean}}
 */
const FITS = {
  opacity: (value) => typeof value === "number" && value >= 0 && value <= 1,
  outline: isSwitch,
  objects: isSwitch,
  palette: (value) => value === "standard" || value === "safe",
  minimap: isSwitch,
  legend: isSwitch,
};

export class ViewSettings {
  /** @param {string} key */
  constructor(key) {
    this.key = `cristae.viewer.${key}`;
    /** @type {Settings} */
    this.values = { ...DEFAULTS, ...stored(this.key) };
  }

  /**
   * @template {keyof Settings} N
   * @param {N} name
   */
  get(name) {
    return this.values[name];
  }

  /**
   * @template {keyof Settings} N
   * @param {N} name
   * @param {Settings[N]} value
   */
  set(name, value) {
    this.values[name] = value;
    try {
      window.localStorage.setItem(this.key, JSON.stringify(this.values));
    } catch {
      // private windows may refuse: then it lasts as long as the page
    }
  }
}

/** @param {string} key */
function stored(key) {
  try {
    const values = JSON.parse(window.localStorage.getItem(key) ?? "{}");
    return Object.fromEntries(Object.entries(FITS).filter(([name, fits]) => fits(values[name])).map(([name]) => [name, values[name]]));
  } catch {
    return {};
  }
}
