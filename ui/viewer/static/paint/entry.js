// Entry for Streamlit: the annotator.

import { mounted } from "../mount.js";
import { Annotator } from "./annotator.js";

export default mounted(Annotator);
