// Entry for Streamlit: a drop zone whose files are streamed to the server one after the other.

import { mounted } from "../../viewer/static/mount.js";
import { DropZone } from "./drop_zone.js";

/** @import { UploaderProps } from "./drop_zone.js" */

export default mounted("uploader", (host, /** @type {UploaderProps} */ data, emit) => new DropZone(host, data, emit));
