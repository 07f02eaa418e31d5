// Entry for Streamlit: the linked panes.

import { EmViewer } from "../em_viewer.js";
import { mounted } from "../mount.js";
import { LinkedPanes } from "./linked_panes.js";

/** @import { PanesProps } from "../messages.js" */

export default mounted("viewer", (host, /** @type {PanesProps} */ data, emit) =>
  new EmViewer(host, data, emit, (viewer) => new LinkedPanes(viewer)));
