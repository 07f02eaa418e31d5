// The height at which the annotator ends with the window, from wherever it stands on the page: nobody scrolls while painting.

const LEAST_PX = 460; // less is not enough to work with: then the page scrolls
const BELOW_PX = 16;
const PAGE = '[data-testid="stMain"]';
const CONTENT = '[data-testid="stMainBlockContainer"]';

export class WindowHeight {
  /** @param {HTMLElement} element the viewer, whose --viewer-height is set */
  constructor(element) {
    this.element = element;
    this.height = 0;
    const root = element.getRootNode();
    const outside = root instanceof ShadowRoot ? root.host : element; // the viewer lives in a shadow tree, the page does not
    this.page = outside.closest(PAGE);
    this.fit = () => this.set();
    this.changes = new ResizeObserver(this.fit); // a message above moves the viewer down
    const content = outside.closest(CONTENT);
    if (content) this.changes.observe(content);
    window.addEventListener("resize", this.fit);
    this.set();
  }

  set() {
    const scrolled = this.page?.scrollTop ?? window.scrollY;
    const top = this.element.getBoundingClientRect().top + scrolled;
    const height = Math.max(Math.round(window.innerHeight - top) - BELOW_PX, LEAST_PX);
    if (height === this.height || !this.element.isConnected || document.fullscreenElement) return;
    this.height = height;
    this.element.style.setProperty("--viewer-height", `${height}px`);
  }

  close() {
    this.changes.disconnect();
    window.removeEventListener("resize", this.fit);
  }
}
