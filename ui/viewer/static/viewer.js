// Entry for Streamlit: the viewer.

import { EmViewer } from "./em_viewer.js";
import { mounted } from "./mount.js";

/** @import { ViewerProps } from "./messages.js" */

export default mounted("viewer", (host, /** @type {ViewerProps} */ data, emit) => new EmViewer(host, data, emit));
