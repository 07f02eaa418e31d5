// For Streamlit: a component's default export is called on every rerun with new data, without clean-up in between; what it
// shows lives on the element that it is given.

/** @import { Emit, StreamlitComponent } from "./messages.js" */

/**
 * What is shown: told of new data, and of its end.
 * @template D
 * @typedef {object} Shown
 * @property {Emit} emit tells Python; a new one on every rerun
 * @property {(data: D) => void} update
 * @property {() => void} close
 */

/**
 * What a module hands to Streamlit.
 * @template D
 * @param {string} name "viewer": the element that it fills has the class "viewer-host"
 * @param {(host: HTMLElement, data: D, emit: Emit) => Shown<D>} make
 */
export function mounted(name, make) {
  const instance = Symbol.for(`cristae.${name}`);
  /** @param {StreamlitComponent<D>} component */
  return function render({ data, parentElement, setTriggerValue }) {
    const place = /** @type {{[instance]?: Shown<D>}} */ (/** @type {unknown} */ (parentElement));
    const known = place[instance];
    if (known) {
      known.emit = setTriggerValue;
      known.update(data);
    } else {
      const host = /** @type {HTMLElement} */ (parentElement.querySelector(`.${name}-host`));
      place[instance] = make(host, data, setTriggerValue);
    }
    return () => setTimeout(() => {
      // called when the component goes, and by some versions before every new run: only the former takes it off the page
      const { isConnected } = parentElement.host ?? parentElement;
      if (isConnected) return;
      place[instance]?.close();
      delete place[instance];
    }, 0);
  };
}
