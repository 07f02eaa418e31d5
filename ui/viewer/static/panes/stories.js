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
    all: [["fill", "filled: what the model says"], ["stripes", "striped: what it is"]],
    one: [["missed", "missed", "false negative"], ["surplus", "too much", "false positive"], ["hit", "right", "true positive"]],
    ignored: "not reviewed, never counts",
    pixel: { ignored: "not reviewed", same: (a) => `${a}, right`, first: (a) => `is ${a}`, second: (b) => `taken for ${b}`, none: "not predicted" },
  },
  changes: {
    titles: { image: "Image", reference: "Before", prediction: "After", errors: "Changes" },
    missing: { reference: "It was begun from an empty label map.", prediction: "This label map has gone." },
    all: [["fill", "filled: what it is now"], ["stripes", "striped: what it was"]],
    one: [["missed", "taken away"], ["surplus", "added"], ["hit", "kept"]],
    ignored: "not labelled before",
    pixel: { ignored: "not labelled before", same: (a) => `${a}, unchanged`, first: (a) => `was ${a}`, second: (b) => `is now ${b}`, none: "not labelled now" },
  },
  opinions: {
    titles: { image: "Image", reference: "First", prediction: "Second", errors: "Disagreement" },
    missing: { reference: "The first label map has gone.", prediction: "The second label map has gone." },
    all: [["fill", "filled: what the second says"], ["stripes", "striped: what the first says"]],
    one: [["missed", "first only"], ["surplus", "second only"], ["hit", "both"]],
    ignored: "not labelled by the first",
    pixel: { ignored: "not labelled by the first", same: (a) => `${a}, both`, first: (a) => `${a} for the first`, second: (b) => `${b} for the second`, none: "not labelled by the second" },
  },
};

/** @param {{story?: StoryName, names?: [string, string] | null}} props as from Python: the story (errors where there is none), and what the two maps are called, if not as usual */
export function storyOf({ story, names } = {}) {
  const found = STORIES[story ?? "errors"] ?? STORIES.errors;
  return names ? { ...found, titles: { ...found.titles, reference: names[0], prediction: names[1] } } : found;
}
