// Keys of the linked panes, for their help sheet.

import { GROUPS } from "../help_sheet.js";

/** @import { HelpGroup } from "../help_sheet.js" */

/** @type {HelpGroup[]} */
export const PANES_HELP = [
  ...GROUPS,
  ["Compare", [
    [["←", "→"], "move the divider, when it has the focus"],
    [["K"], "stop or start flickering"],
    [["T"], "show the other map while held"],
  ]],
];
