// What two label maps of an image are to each other, in words: a reference and a prediction, or before and after. Pure.

/** @import { PaneKind, StoryName } from "../messages.js" */

/**
 * @typedef {object} Story
 * @property {Record<PaneKind, string>} titles
 * @property {{reference: string, prediction: string}} missing
 * @property {[kind: string, text: string][]} all what colours mean where all classes are shown
 * @property {[kind: string, text: string, more?: string][]} one where one class is
 * @property {string} ignored
 * @property {PixelWords} pixel
 */

/**
 * How a pixel is told.
 * @typedef {object} PixelWords
 * @property {string} ignored
 * @property {(name: string) => string} same
 * @property {(name: string) => string} first
 * @property {(name: string) => string} second
 * @property {string} none
 */

/** @type {Record<StoryName, Story>} */
export const STORIES = {
  errors: {
    titles: { image: "Image", reference: "Reference", prediction: "Prediction", errors: "Errors" },
    missing: { reference: "This image has no reference.", prediction: "This image has no prediction here." },
    all: [["fill", "filled: prediction"], ["stripes", "striped: reference"]],
    one: [["missed", "missed", "false negative"], ["surplus", "extra", "false positive"], ["hit", "correct", "true positive"]],
    ignored: "not annotated, excluded",
    pixel: { ignored: "not annotated", same: (a) => `${a}, correct`, first: (a) => `reference: ${a}`, second: (b) => `predicted: ${b}`, none: "not predicted" },
  },
  changes: {
    titles: { image: "Image", reference: "Before", prediction: "After", errors: "Changes" },
    missing: { reference: "The draft started from an empty label map.", prediction: "This label map was deleted." },
    all: [["fill", "filled: after"], ["stripes", "striped: before"]],
    one: [["missed", "removed"], ["surplus", "added"], ["hit", "kept"]],
    ignored: "not labelled before",
    pixel: { ignored: "not labelled before", same: (a) => `${a}, unchanged`, first: (a) => `before: ${a}`, second: (b) => `after: ${b}`, none: "not labelled now" },
  },
  opinions: {
    titles: { image: "Image", reference: "First", prediction: "Second", errors: "Disagreement" },
    missing: { reference: "The first label map was deleted.", prediction: "The second label map was deleted." },
    all: [["fill", "filled: second"], ["stripes", "striped: first"]],
    one: [["missed", "first only"], ["surplus", "second only"], ["hit", "both"]],
    ignored: "not labelled in the first",
    pixel: { ignored: "not labelled in the first", same: (a) => `${a}, both`, first: (a) => `first: ${a}`, second: (b) => `second: ${b}`, none: "not labelled in the second" },
  },
};

/** @param {{story?: StoryName, names?: [string, string] | null}} props as from Python: the story (errors where there is none), and what the two maps are called, if not as usual */
export function storyOf({ story, names } = {}) {
  const found = STORIES[story ?? "errors"] ?? STORIES.errors;
  return names ? { ...found, titles: { ...found.titles, reference: names[0], prediction: names[1] } } : found;
}
