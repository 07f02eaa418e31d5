// Entry for Streamlit: called on every rerun with new data; the figure lives on the element that it is given.

import { FigureView } from "./figure_view.js";

const INSTANCE = Symbol.for("cristae.figure");

export default function render({ data, parentElement, setTriggerValue }) {
  const known = parentElement[INSTANCE];
  if (known) {
    known.emit = setTriggerValue;
    known.update(data);
  } else {
    parentElement[INSTANCE] = new FigureView(parentElement.querySelector(".figure-host"), data, setTriggerValue);
  }
  return () => setTimeout(() => {
    // called when the component goes, and by some versions before every new run: only the former takes it off the page
    const { isConnected } = parentElement.host ?? parentElement;
    if (isConnected) return;
    parentElement[INSTANCE]?.close();
    delete parentElement[INSTANCE];
  }, 0);
}
