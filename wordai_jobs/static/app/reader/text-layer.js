/**
 * The text of a page over its image, invisible, to be selected, copied and read aloud; and the
 * marks of search hits. All of it is measured in pixels of the image; `scaleLayer` fits it to the
 * size in which the page is shown.
 */

import {element} from "../shared/dom.js";
import {boxOf, linesOf} from "./lines.js";

/**
 * @typedef {import("./lines.js").Word} Word
 * @typedef {import("./lines.js").Writing} Writing
 * @typedef {number[]} Box  x0, y0, x1, y1 in pixels of the page's image.
 */

const FONT = "sans-serif";
const MEASURED_AT_PX = 100;
/** A line with a gap that is larger than this many line heights is aligned again after it. */
const LARGEST_GAP = 1;
const canvas = globalThis.document?.createElement("canvas").getContext("2d");

/** @param {Word[]} words */
export function textLayer(words) {
  const layer = element("div", "text-layer");
  for (const {words: inLine, writing} of linesOf(words)) {
    const line = element("div", `text-line is-${writing}`);
    if (writing === "rtl") line.dir = "rtl";
    place(line, boxOf(inLine), writing === "ltr" ? [] : ["width", "height"]);
    const parts = partsOf(inLine, writing);
    parts.forEach((part, index) => line.append(partElement(part, parts[index + 1], writing)));
    line.append("\n"); // so that copied lines are lines
    layer.append(line);
  }
  return layer;
}

/**
 * @param {Box[]} boxes
 * @param {boolean} isCurrent  Whether the hit is the chosen one.
 */
export function marks(boxes, isCurrent) {
  return boxes.map((box) => {
    const mark = element("div", isCurrent ? "mark is-current" : "mark");
    place(mark, box, ["width", "height"]);
    return mark;
  });
}

/**
 * @param {HTMLElement} layer
 * @param {number} scale  Shown pixels per pixel of the image.
 */
export function scaleLayer(layer, scale) {
  layer.style.transform = `scale(${scale})`;
}

/**
 * @param {HTMLElement} target
 * @param {Box} box
 * @param {("width" | "height")[]} sides  Those that are set.
 */
export function place({style}, [x0, y0, x1, y1], sides) {
  style.left = `${x0}px`;
  style.top = `${y0}px`;
  if (sides.includes("width")) style.width = `${x1 - x0}px`;
  if (sides.includes("height")) style.height = `${y1 - y0}px`;
}

/**
 * The line in parts without large gaps: usually one, which a screen reader reads as a whole.
 *
 * @param {Word[]} words
 * @param {Writing} writing
 */
function partsOf(words, writing) {
  /** @type {Word[][]} */
  const parts = [];
  for (const word of words) {
    const before = parts.at(-1)?.at(-1);
    const gap = before ? startOf(word, writing) - endOf(before, writing) : Infinity;
    if (gap < LARGEST_GAP * thicknessOf(word, writing)) parts[parts.length - 1].push(word);
    else parts.push([word]);
  }
  return parts;
}

/**
 * A part takes the room up to the next one, and its letters are stretched to their length in the
 * image.
 *
 * @param {Word[]} part
 * @param {Word[] | undefined} next  In the same line.
 * @param {Writing} writing
 */
function partElement(part, next, writing) {
  const text = part.map((word) => word[4]).join(" ");
  const created = element("span", "text-part", next ? `${text} ` : text);
  const box = /** @type {Word} */ ([...boxOf(part), ""]);
  const [start, end] = [startOf(box, writing), endOf(box, writing)];
  const thickness = thicknessOf(box, writing);
  const measured = writing === "down" ? lengthDown(text) : lengthOf(text);
  const length = measured * thickness / MEASURED_AT_PX;
  const isVertical = writing === "down" || writing === "up";
  const room = (next ? startOf(next[0], writing) : end) - start;
  created.style.fontSize = `${thickness}px`;
  created.style.inlineSize = `${length}px`;
  created.style.marginInlineEnd = `${room - length}px`;
  if (length > 0) {
    created.style.transform = `scale${isVertical ? "Y" : "X"}(${(end - start) / length})`;
  }
  return created;
}

/**
 * Where the word starts along its line; grows from word to word.
 *
 * @param {Word} word
 * @param {Writing} writing
 */
function startOf([x0, y0, x1, y1], writing) {
  return {ltr: x0, rtl: -x1, down: y0, up: -y1}[writing];
}

/**
 * @param {Word} word
 * @param {Writing} writing
 */
function endOf([x0, y0, x1, y1], writing) {
  return {ltr: x1, rtl: -x0, down: y1, up: -y0}[writing];
}

/**
 * @param {Word} word
 * @param {Writing} writing
 */
function thicknessOf([x0, y0, x1, y1], writing) {
  return writing === "down" || writing === "up" ? x1 - x0 : y1 - y0;
}

/**
 * Upright letters have another length than in a horizontal line, which no canvas measures.
 *
 * @param {string} text
 */
function lengthDown(text) {
  const measure = element("div", "text-line is-down", text);
  measure.style.fontSize = `${MEASURED_AT_PX}px`;
  document.body.append(measure);
  const length = measure.offsetHeight;
  measure.remove();
  return length;
}

/** @param {string} text */
function lengthOf(text) {
  if (!canvas) return 0;
  canvas.font = `${MEASURED_AT_PX}px ${FONT}`;
  return canvas.measureText(text).width;
}
