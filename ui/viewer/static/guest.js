// The interface between the viewer and what uses it to do more: the annotator, the linked panes. The viewer shows one image
// with label maps; a guest is handed to it when it is made, fills the slots that the viewer has, and is asked and told at
// the points below. A guest never replaces a part of the viewer, and the viewer knows none of its guests.
//
// Everything is optional: a viewer without a guest has `{}`. The order of a viewer's life:
//
//   made      makeGuest(viewer), then its parts go into their slots, then onBuilt()
//   an image  onImage(), makeOverlays(), makeReadout(), onShown(), onPlaced()
//   at work   onUpdate(), onLook(), onState(), beforeDraw(), onDraw(), onResize(), onReload()
//   next one  onClosing(), onClosed(), and from "an image" on
//   the end   close(), then onClosing() and onClosed() with viewer.closed set

/** @import { EmViewer } from "./em_viewer.js" */
/** @import { View } from "./geometry.js" */
/** @import { HelpGroup } from "./help_sheet.js" */
/** @import { ViewerProps } from "./messages.js" */
/** @import { Look, OverlayEvents, Overlays } from "./overlays.js" */
/** @import { OpenSeadragonStatic } from "./openseadragon.js" */
/** @import { Readout } from "./readout.js" */
/** @import { HeldKeys, Keys } from "./shortcuts.js" */
/** @import { ToolName } from "./toolbar.js" */

/**
 * Elements of a guest, by the slot that they go into.
 * @typedef {object} GuestParts
 * @property {HTMLElement} [toolRow] a row of its own tools, below the viewer's
 * @property {HTMLElement} [toolbarStart] in the viewer's row, before the empty space in its middle
 * @property {HTMLElement} [toolbarEnd] after it
 * @property {HTMLElement} [underStage] in the stage, below everything else
 * @property {HTMLElement[]} [overStage] in the stage, over everything else
 * @property {HTMLElement} [legendEnd] at the legend's end
 * @property {HTMLElement[]} [dialogs] over the whole viewer
 */

/**
 * What a viewer asks of its guest, and tells it.
 * @typedef {object} Guest
 *
 * What it is; read once, when the viewer is made:
 * @property {string} [className] of the viewer's element, for the guest's style sheet
 * @property {GuestParts} [parts] its elements
 * @property {HelpGroup[]} [help] its keys, in place of the viewer's own help sheet
 * @property {Partial<Record<ToolName, string>>} [tips] of the viewer's buttons that have another key here
 * @property {(own: Keys) => Keys} [keys] keys, from the viewer's own
 * @property {(own: HeldKeys) => HeldKeys} [heldKeys] keys that act while they are down, from the viewer's own
 * @property {boolean} [hasOwnClassList] it has label maps and a list of classes of its own: the tools for masks are always
 *   there, and the viewer's legend never is
 * @property {boolean} [listsLayers] false: the legend does not list the label maps
 * @property {boolean} [isSilent] nothing of what the viewer itself does is told to Python
 *
 * What it makes in the viewer's stead, for each image:
 * @property {(events: OverlayEvents) => Overlays} [makeOverlays]
 * @property {(onClass: (id: number | null) => void) => Readout} [makeReadout]
 *
 * What it is asked:
 * @property {(row: number, col: number) => number | null | undefined} [labelAt] the id that is seen at an image pixel; null
 *   or undefined: ask the viewer's label maps
 * @property {() => string | null} [topId] the label map that the server is asked about for the pixel under the pointer; null: none
 * @property {() => boolean} [escape] whether there was something to give up; asked after help, panel and scale tool
 *
 * What it is told:
 * @property {() => void} [onBuilt] all parts are on the page
 * @property {(before: ViewerProps) => void} [onUpdate] Python has new values
 * @property {() => void} [onImage] the facts of an image are here; nothing is drawn yet
 * @property {(osd: OpenSeadragonStatic) => void} [onShown] the image's parts are made
 * @property {() => void} [onPlaced] the image is open and the view stands where it was left
 * @property {(look: Look) => void} [onLook] palette, opacity, switches or the like have changed
 * @property {() => void} [onState] buttons and lists are to be brought up to date
 * @property {() => void} [beforeDraw]
 * @property {(view: View) => void} [onDraw] the image is drawn
 * @property {() => void} [onResize]
 * @property {() => void} [onReload] what could not be fetched is to be fetched again
 * @property {() => void} [onClosing] the image's parts are still there
 * @property {() => void} [onClosed] they have gone
 * @property {() => void} [close] the viewer goes
 */

/** @typedef {(viewer: EmViewer) => Guest} MakeGuest */

export {};
