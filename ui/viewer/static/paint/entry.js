// Entry for Streamlit: the annotator.

import { EmViewer } from "../em_viewer.js";
import { mounted } from "../mount.js";
import { Annotator } from "./annotator.js";

/** @import { AnnotatorProps } from "../messages.js" */

export default mounted("viewer", (host, /** @type {AnnotatorProps} */ data, emit) =>
  new EmViewer(host, data, emit, (viewer) => new Annotator(viewer)));
