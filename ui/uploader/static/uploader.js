// Entry for Streamlit: a drop zone whose files are streamed to the server one after the other.

import { DropZone } from "./drop_zone.js";

const INSTANCE = Symbol.for("cristae.uploader");

export default function render({ data, parentElement, setTriggerValue }) {
  const known = parentElement[INSTANCE];
  if (known) {
    known.emit = setTriggerValue;
    known.update(data);
  } else {
    parentElement[INSTANCE] = new DropZone(parentElement.querySelector(".uploader-host"), data, setTriggerValue);
  }
  return () => setTimeout(() => {
    const { isConnected } = parentElement.host ?? parentElement;
    if (isConnected) return;
    parentElement[INSTANCE]?.close();
    delete parentElement[INSTANCE];
  }, 0);
}
