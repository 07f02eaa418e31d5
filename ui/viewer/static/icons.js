// Icons, drawn for this viewer on a grid of 24.

/** @typedef {keyof typeof ICONS} IconName */

/** @param {string} body */
const line = (body) =>
  `<svg viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.8" ` +
  `stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${body}</svg>`;

export const ICONS = {
  zoomIn: line('<path d="M12 6v12M6 12h12"/>'),
  zoomOut: line('<path d="M6 12h12"/>'),
  fit: line('<path d="M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5"/><rect x="8.5" y="8.5" width="7" height="7" rx="1"/>'),
  actual: line('<path d="M5 8l2-1.5V17.5M17 8l2-1.5V17.5"/><path d="M12 10v.01M12 14.5v.01" stroke-width="2.6"/>'),
  eye: line('<path d="M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"/><circle cx="12" cy="12" r="2.8"/>'),
  eyeOff: line('<path d="M4 4l16 16M9.5 5.9A9 9 0 0112 5.5c6 0 9.5 6.5 9.5 6.5a16 16 0 01-3 3.7M6 7.6A15.600 15.600 0 002.500 12S6 18.500 12 18.500a9 9 0 003.500-.7"/>'),
  fill: line('<path d="M12 4c4 0 8 2.500 8 7.500S16.500 20 11.500 20 4 16.500 4 12s4-8 8-8z" fill="currentColor" fill-opacity=".55"/>'),
  outline: line('<path d="M12 4c4 0 8 2.500 8 7.500S16.500 20 11.500 20 4 16.500 4 12s4-8 8-8z"/>'),
  objects: line('<path d="M4 8.500c0-2.500 2.300-4.500 5-4.500s4.500 1.600 4.500 4-2 4.800-5 4.800S4 11 4 8.500z" fill="currentColor" fill-opacity=".65"/><path d="M11 15.500c0-2.500 2-4 4.500-4s4.500 1.600 4.500 4-2 4.500-4.500 4.500-4.500-2-4.500-4.500z" fill="currentColor" fill-opacity=".2"/>'),
  confidence: line('<path d="M4 17a8.500 8.500 0 1116 0"/><path d="M12 15l4-5.500"/><circle cx="12" cy="16" r="1.300" fill="currentColor"/>'),
  palette: line('<path d="M12 3.500a8.500 8.500 0 100 17c1.400 0 2-.9 2-1.900 0-1.500-1.300-1.700-1.300-2.900 0-1 .8-1.700 1.900-1.700h2.200c2.200 0 3.700-1.500 3.700-3.600 0-4-3.900-6.900-8.500-6.900z"/><path d="M7.500 12v.01M9.500 8v.01M14.500 7.800v.01" stroke-width="2.600"/>'),
  adjust: line('<circle cx="12" cy="12" r="8"/><path d="M12 4a8 8 0 010 16z" fill="currentColor"/>'),
  ruler: line('<path d="M3 15.500L15.500 3 21 8.500 8.500 21z"/><path d="M7 11.500l2 2M10 8.500l3 3M13 5.500l2 2"/>'),
  map: line('<rect x="3.500" y="5" width="17" height="14" rx="2"/><rect x="12" y="12" width="5.500" height="4.500" rx=".5" fill="currentColor" fill-opacity=".5"/>'),
  legend: line('<path d="M10 7h10M10 12h10M10 17h10"/><path d="M5 7v.01M5 12v.01M5 17v.01" stroke-width="4"/>'),
  fullScreen: line('<path d="M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5"/>'),
  help: line('<circle cx="12" cy="12" r="8.500"/><path d="M9.600 9.500a2.500 2.500 0 114 2c-.9.700-1.600 1.200-1.600 2.300M12 16.800v.01"/>'),
  close: line('<path d="M6 6l12 12M18 6L6 18"/>'),
  target: line('<circle cx="12" cy="12" r="3.200" fill="currentColor"/><circle cx="12" cy="12" r="7.500"/>'),
};
