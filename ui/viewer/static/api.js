// Addresses of the server's routes. `root` is where the app lives, with a slash at its end.

export class Api {
  constructor(root) {
    this.root = new URL(root, document.baseURI).href;
  }

  image(id) {
    return `${this.root}api/images/${encodeURIComponent(id)}`;
  }

  scaleBar(id) {
    return `${this.image(id)}/scale-bar`;
  }

  imageTile(id, level, row, col, window) {
    const query = window ? `?low=${window.low}&high=${window.high}` : "";
    return `${this.image(id)}/tiles/${level}/${row}/${col}${query}`;
  }

  pixel(id, row, col, revision) {
    const more = revision ? `&revision=${encodeURIComponent(revision)}` : "";
    return `${this.image(id)}/pixel?row=${row}&col=${col}${more}`;
  }

  revision(id) {
    return `${this.root}api/revisions/${encodeURIComponent(id)}`;
  }

  /** Browsers may still keep tiles in the ids of a model, from earlier versions, under the address without `ids`. */
  labelTile(id, what, level, row, col, version) {
    return `${this.revision(id)}/${what}/${level}/${row}/${col}?v=${version}&ids=project`;
  }
}
