// What Python and the server's routes say to the browser, as types. Nothing here runs: other modules name these types in
// their comments, and `make style` checks that what is sent is used as it is.

/**
 * A class of the label scheme.
 * @typedef {object} LabelClass
 * @property {number} id 0 (background) to 254
 * @property {string} name
 * @property {string} color "#rrggbb"
 * @property {string} safe_color of the colour-blind-safe palette
 * @property {string | null} [key] of the keyboard
 */

/**
 * A label map to be shown: see `LabelLayer` in ui/viewer/component.py.
 * @typedef {object} LayerProps
 * @property {string} revision_id
 * @property {string} name
 * @property {boolean} visible whether it is shown at first
 * @property {"fill" | "outline" | null} style null: what the person has chosen
 * @property {string} [side] the part of the panes that shows it
 * @property {"labels" | "coverage"} [what] coverage: what a person has confirmed, the rest is dimmed
 */

/**
 * A part of the image to look at: see ui/viewer/place.py.
 * @typedef {object} Place
 * @property {number} row
 * @property {number} column
 * @property {number} height_px
 * @property {number} width_px
 * @property {string} token changes with each wish to go there
 */

/**
 * What `viewer` of ui/viewer/component.py hands over.
 * @typedef {object} ViewerProps
 * @property {string} image_id
 * @property {string} pixel_size changes with the image's pixel size
 * @property {LayerProps[]} layers the topmost last
 * @property {LabelClass[]} classes
 * @property {number | null} isolated the class that stands alone
 * @property {string} key names the viewer on its page
 * @property {string} remember_as
 * @property {number} [height] CSS pixels
 * @property {boolean} url_view
 * @property {boolean} [scale_tool]
 * @property {boolean} [scale_open]
 * @property {string} root the path that the app is served under
 */

/**
 * What `annotator` of ui/viewer/annotator.py hands over.
 * @typedef {ViewerProps & {draft_id: string, author: string, focus: Place | null}} AnnotatorProps
 */

/** @typedef {"image" | "reference" | "prediction" | "errors"} PaneKind */
/** @typedef {"errors" | "changes" | "opinions"} StoryName */

/**
 * What the panes show: a part of `PanesProps`.
 * @typedef {object} PanePlanProps
 * @property {"panes" | "swipe" | "flicker"} mode
 * @property {PaneKind[]} panes
 * @property {LayerProps[]} layers
 * @property {StoryName} [story]
 * @property {[string, string] | null} [names] of the two maps, where not as usual
 */

/**
 * What `linked_panes` of ui/viewer/compare.py hands over.
 * @typedef {ViewerProps & PanePlanProps & {error_class: number | null, focus: Place | null}} PanesProps
 */

/**
 * Tells Python: the name of a trigger and its value.
 * @typedef {(name: string, value: unknown) => void} Emit
 */

/**
 * An image, as `GET /api/images/{id}` describes it.
 * @typedef {object} ImageFacts
 * @property {string} id
 * @property {number} width_px
 * @property {number} height_px
 * @property {number} levels of the pyramid
 * @property {number} tile_px edge length of a tile
 * @property {string} dtype
 * @property {number} window_low grey value shown black
 * @property {number} window_high grey value shown white
 * @property {number | null} pixel_size_nm
 * @property {string} pixel_size_source
 * @property {string} [pixel_size_detail]
 */

/**
 * A label map, as `GET /api/revisions/{id}` describes it.
 * @typedef {object} RevisionState
 * @property {string} state "writing" while blocks arrive
 * @property {number} version grows with its content
 * @property {number} progress 0 to 1
 * @property {boolean} has_confidence
 * @property {number[]} [object_classes] classes that have object ids
 * @property {{id?: number, class_id?: number, fraction: number}[]} [coverage] shares of the classes
 */

/**
 * A pixel, as `GET /api/images/{id}/pixel` tells it.
 * @typedef {object} PixelAnswer
 * @property {number} value grey value
 * @property {number} [label] 255: not written yet
 * @property {number | null} [confidence] 0 to 255
 */

/**
 * A draft, as `GET /api/drafts/{id}` and holding it tell.
 * @typedef {object} Draft
 * @property {number} version
 * @property {[number, number][]} tiles row and column of each tile that was painted on
 * @property {Record<string, number>} covered pixels confirmed, by class
 * @property {boolean} whole_image
 * @property {string | null} [held_before] the tab that held it before
 * @property {number[]} [object_classes] classes that have object ids
 */

/**
 * An edit of objects that the server is asked to work out; places are [row, column] in pixels of the image.
 * @typedef {{action: "split", line: [number, number][]} | {action: "merge", points: [number, number][]} |
 *   {action: "delete", point: [number, number]} | {action: "answer", question: number, answer: "one" | "two"}} ObjectRequest
 */

/**
 * A place where there may be one object or two.
 * @typedef {object} DoubtQuestion
 * @property {number} number
 * @property {number} class_id
 * @property {boolean} two whether the label map has two objects there
 * @property {number} p probability that it is two
 * @property {number} row
 * @property {number} column
 * @property {"one" | "two" | null} answer null while it is open
 */

/**
 * As `GET /api/drafts/{id}/questions` tells them.
 * @typedef {object} QuestionList
 * @property {boolean} looked whether anybody has looked for doubts
 * @property {DoubtQuestion[]} questions the most doubtful first
 * @property {number} left_out doubtful places that are not asked about
 * @property {boolean} guessed whether the probabilities are a guess
 */

/**
 * An edge between two pixels: row and column of both ends.
 * @typedef {[number, number, number, number]} CutLine
 */

/**
 * What an edit changes: all pixels of the edited objects as runs of first pixel, number of pixels and id, tile by tile.
 * @typedef {object} ObjectAnswer
 * @property {string} action
 * @property {number} class_id
 * @property {number[]} objects ids after the edit
 * @property {number | null} label what the pixels become; null: they keep their class
 * @property {{row: number, column: number, runs: number[]}[]} tiles
 */

/**
 * The answer to a post of tiles.
 * @typedef {{version: number}} TilesAnswer
 */

/**
 * The answer to a submission.
 * @typedef {{revision_id: string, changes?: Record<string, unknown>}} SubmitAnswer
 */

/**
 * What a component of Streamlit is called with.
 * @template D
 * @typedef {object} StreamlitComponent
 * @property {D} data what Python hands over
 * @property {HTMLElement & {host?: Element}} parentElement where it stands: a shadow root
 * @property {Emit} setTriggerValue
 */

export {};
