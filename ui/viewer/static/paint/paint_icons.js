// Icons of the paint tools, drawn on the same grid of 24 as the viewer's.

/** @typedef {keyof typeof PAINT_ICONS} PaintIconName */

/** @param {string} body */
const line = (body) =>
  `<svg viewBox="0 0 24 24" width="18" height="18" fill="none" stroke="currentColor" stroke-width="1.8" ` +
  `stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">${body}</svg>`;

const blob = '<path d="M12 5.5c3.600 0 6.500 2.300 6.500 6.200 0 4-3.200 6.800-6.800 6.800S5.500 16 5.500 12 8.500 5.500 12 5.500z"/>';

export const PAINT_ICONS = {
  hand: line('<path d="M8 12V6.200a1.400 1.400 0 012.800 0V11M10.800 10.500V4.900a1.400 1.400 0 012.800 0v5.600M13.600 10.500V6a1.400 1.400 0 012.800 0v7.500c0 4-2 7-5.400 7-2.700 0-4-1.300-5.200-3.500L4 13.500c-.8-1.500 1-2.700 2.100-1.500L8 14"/>'),
  brush: line('<path d="M19.500 4.500c-3 1.500-7 5.200-9 8.200l1.800 1.800c3-2 6.700-6 8.200-9z"/><path d="M9.500 13.500c-2 0-3 1.400-3 3 0 1.200-.8 2.200-2 2.500 2.800 1.300 7 .7 7-3z"/>'),
  eraser: line('<path d="M14 5l5.500 5.500-8 8H8l-3.500-3.500z"/><path d="M9.500 9.500L15 15M11.500 18.500H20"/>'),
  smart: line('<path d="M5 19l9-9M14 4v3M14 13v3M9 9H6.500M21.500 9H18M17.500 5.500L16 7M17.500 12.500L16 11"/>'),
  lasso: line('<path d="M12 5c4.700 0 8 2.200 8 5s-3.300 5-8 5-8-2.200-8-5 3.300-5 8-5z"/><path d="M7 14c-1.500 1-1.500 3 .5 3s2.500 1.500 1 3"/>'),
  polygon: line('<path d="M5 9l7-4 7 5-3 9H8z"/><path d="M5 9v.01M12 5v.01M19 10v.01M16 19v.01M8 19v.01" stroke-width="3.600"/>'),
  bucket: line('<path d="M6 12l6.500-6.500L19 12l-6.500 6.500z" /><path d="M6 12h13" /><path d="M20.500 15c1 1.600 1.200 3.500 0 3.500s-1-1.900 0-3.500zM12.500 5.500L10 3"/>'),
  replace: line('<path d="M5 9a7 7 0 0112-3l2 2M19 4v4h-4M19 15a7 7 0 01-12 3l-2-2M5 20v-4h4"/>'),
  trash: line('<path d="M5 7h14M10 7V4.500h4V7M7 7l1 12.500h8L17 7M10.500 10.500v5.500M13.500 10.500v5.500"/>'),
  grow: line('<circle cx="12" cy="12" r="3.500" fill="currentColor" fill-opacity=".5"/><path d="M12 5V2.500M10.500 4L12 2.500 13.500 4M12 19v2.500M10.500 20l1.500 1.500 1.500-1.500M5 12H2.500M4 10.500L2.500 12 4 13.500M19 12h2.500M20 10.500l1.500 1.500-1.500 1.500"/>'),
  shrink: line('<circle cx="12" cy="12" r="3.500" fill="currentColor" fill-opacity=".5"/><path d="M12 2.500V5.500M10.500 4.500L12 6l1.500-1.500M12 21.500v-3M10.500 19.500L12 18l1.500 1.500M2.500 12h3M4.500 10.500L6 12l-1.500 1.500M21.500 12h-3M19.500 10.500L18 12l1.500 1.500"/>'),
  smooth: line('<path d="M3 15l3-5 2 4 3-6" stroke-opacity=".5"/><path d="M3 18c6-1 9-12 18-12"/>'),
  split: line(`${blob}<path d="M15.500 3L8.500 21" stroke-dasharray="2.500 2.500"/>`),
  merge: line('<path d="M9 6.500c3.200 0 5 2.400 5 5.500s-1.800 5.500-5 5.500-5-2.400-5-5.500 1.800-5.500 5-5.500z" stroke-opacity=".55"/><path d="M15 6.500c3.200 0 5 2.400 5 5.500s-1.800 5.500-5 5.500-5-2.400-5-5.500 1.800-5.500 5-5.500z" stroke-opacity=".55"/><path d="M12 9.500v5M9.500 12h5"/>'),
  question: line('<path d="M10.500 12c0-3-1.800-5-4-5S3 9 3 12s1.500 5 3.500 5 4-2 4-5z"/><path d="M10.500 12c0 3 1.800 5 3.500 5" stroke-dasharray="2 2"/><path d="M15.500 8.500c0-2 1.300-3 3-3s3 1 3 2.700c0 2.300-3 2.300-3 5M18.500 17v.01"/>'),
  alone: line('<path d="M3.500 9c0-2.500 2-4 4.500-4s4 1.700 4 4-1.500 4.500-4.200 4.500S3.500 11.500 3.500 9z" stroke-opacity=".55"/><path d="M12 14.500c0-2.500 2-4 4.300-4s4.200 1.700 4.200 4-1.700 4.500-4.300 4.500S12 17 12 14.500z" fill="currentColor" fill-opacity=".45"/>'),
  pick: line('<path d="M13 8l3 3M5 19l1-4 8.500-8.500 3 3L9 18zM14.500 6.500l1.800-1.800a2.100 2.100 0 013 3L17.500 9.500"/>'),
  rightBox: line('<rect x="4" y="5" width="16" height="14" rx="1" stroke-dasharray="3 2.500"/><path d="M8.500 12l2.500 2.500 4.500-5"/>'),
  rightLasso: line('<path d="M12 4.500c4.700 0 8 2.600 8 7s-3.300 8-8 8-8-3-8-7.500 3.300-7.500 8-7.500z" stroke-dasharray="3 2.500"/><path d="M8.500 12l2.500 2.500 4.500-5"/>'),
  whole: line('<rect x="4" y="5" width="16" height="14" rx="1"/><path d="M7 12l2.500 2.500L13 10.500M12.500 14.500L17 9.500"/>'),
  undo: line('<path d="M8 5L4 9l4 4"/><path d="M4.500 9H14a5 5 0 010 10h-4"/>'),
  redo: line('<path d="M16 5l4 4-4 4"/><path d="M19.500 9H10a5 5 0 000 10h4"/>'),
  coverage: line('<path d="M4 9l5-5M4 15L15 4M4 20.500L20.500 4M9 20L20 9M15 20l5-5"/>'),
  lock: line('<rect x="6" y="11" width="12" height="8.500" rx="1.500"/><path d="M8.500 11V8a3.500 3.500 0 017 0v3"/>'),
  unlock: line('<rect x="6" y="11" width="12" height="8.500" rx="1.500"/><path d="M8.500 11V8a3.500 3.500 0 016.700-1.400"/>'),
  send: line('<path d="M12 19V6M6.500 11L12 5.500 17.500 11"/>'),
};
