// Icons of the panes, on a grid of 24.

/** @param {string} body */
const solid = (body) => `<svg viewBox="0 0 24 24" width="18" height="18" fill="currentColor" aria-hidden="true">${body}</svg>`;

export const PANE_ICONS = {
  pause: solid('<rect x="6.500" y="5" width="4" height="14" rx="1"/><rect x="13.500" y="5" width="4" height="14" rx="1"/>'),
  play: solid('<path d="M7.500 5.200v13.600a.8.8 0 001.200.7l11-6.800a.8.8 0 000-1.400l-11-6.800a.8.8 0 00-1.200.7z"/>'),
};
