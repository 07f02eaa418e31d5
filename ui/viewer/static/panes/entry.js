// Entry for Streamlit: the linked panes.

import { mounted } from "../mount.js";
import { LinkedPanes } from "./linked_panes.js";

export default mounted(LinkedPanes);
