// Entry for Streamlit: a figure.

import { mounted } from "../../viewer/static/mount.js";
import { FigureView } from "./figure_view.js";

/** @import { FigureProps } from "./figure_view.js" */

export default mounted("figure", (host, /** @type {FigureProps} */ data, emit) => new FigureView(host, data, emit));
