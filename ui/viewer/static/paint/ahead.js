// Loads what the annotator is made of while somebody still chooses where to begin.

import "./annotator.js";
import { loadOpenSeadragon } from "../openseadragon.js";

export default function ahead() {
  loadOpenSeadragon().catch(() => {}); // the annotator tries again and says what is wrong
}
