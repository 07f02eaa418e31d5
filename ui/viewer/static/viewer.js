// Entry for Streamlit: the viewer.

import { EmViewer } from "./em_viewer.js";
import { mounted } from "./mount.js";

export default mounted(EmViewer);
