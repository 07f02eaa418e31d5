// For Streamlit: a component's default export is called on every rerun with new data, without clean-up in between; the
// viewer lives on the element that it is given.

const INSTANCE = Symbol.for("cristae.viewer");

/**
 * What a module hands to Streamlit.
 * @param Kind EmViewer or a subclass: new Kind(host, data, emit), update(data), close()
 */
export function mounted(Kind) {
  return function render({ data, parentElement, setTriggerValue }) {
    const known = parentElement[INSTANCE];
    if (known) {
      known.emit = setTriggerValue;
      known.update(data);
    } else {
      const host = parentElement.querySelector(".viewer-host");
      parentElement[INSTANCE] = new Kind(host, data, setTriggerValue);
    }
    return () => setTimeout(() => {
      // called when the component goes, and by some versions before every new run: only the former takes it off the page
      const { isConnected } = parentElement.host ?? parentElement;
      if (isConnected) return;
      parentElement[INSTANCE]?.close();
      delete parentElement[INSTANCE];
    }, 0);
  };
}
