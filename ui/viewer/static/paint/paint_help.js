// Keys of the annotator, for its help sheet.

import { TOOLS } from "./tools.js";

/** @import { HelpGroup } from "../help_sheet.js" */

/**
 * @param {...number} groups
 * @returns {HelpGroup[1]}
 */
const tools = (...groups) => TOOLS.filter((tool) => groups.includes(tool.group)).map((tool) => [[tool.key.toUpperCase()], tool.title.toLowerCase()]);

/** @type {HelpGroup[]} */
export const PAINT_HELP = [
  ["Paint", [
    ...tools(1, 2),
    [["1", "…", "9"], "choose the class"],
    [["0"], "choose background"],
    [["[", "]"], "smaller, larger brush"],
    [["Shift", "wheel"], "size of the brush"],
    [[";"], "next stroke begins a new object"],
  ]],
  ["Objects", [
    ...tools(3, 4),
    [["Ctrl", "Z"], "undo (also U)"],
    [["Ctrl", "Y"], "redo (also Y)"],
    [["Enter"], "close the polygon"],
    [["⌫"], "remove the last corner"],
    [["Esc"], "cancel the drawing"],
  ]],
  ["One or two?", [
    [["F2"], "questions about doubtful objects"],
    [["1"], "one object"],
    [["2"], "two objects"],
    [["3"], "skip the question"],
    [["U"], "undo the answer"],
  ]],
  ["Confirm", [
    ...tools(5),
    [["C"], "show confirmed regions"],
  ]],
  ["Look", [
    [["V"], "move the image by dragging"],
    [["Space"], "move it while held"],
    [["Tab"], "hide the masks while held"],
    [["H"], "hide or show the masks"],
    [["wheel", "+", "−"], "zoom"],
    [["Home"], "fit to window"],
    [["Z"], "actual pixels (1:1)"],
    [["O"], "fill or outline"],
    [["#"], "show each object"],
    [["P"], "colour-blind-safe palette"],
    [["N"], "brightness and contrast"],
    [["I"], "invert the image"],
    [["M"], "overview map"],
    [["D"], "list of classes"],
    [["?"], "show shortcuts"],
  ]],
];
