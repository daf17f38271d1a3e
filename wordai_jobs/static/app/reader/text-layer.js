/**
 * The text of a page over its image, invisible, to be selected, copied and read aloud; and the
 * marks of search hits. All of it is measured in pixels of the image; `scaleLayer` fits it to the
 * size in which the page is shown.
 */

import {element} from "../shared/dom.js";
import {linesOf} from "./lines.js";

/** @typedef {import("./lines.js").Word} Word */

const FONT = "sans-serif";
const MEASURED_AT_PX = 100;
const canvas = globalThis.document?.createElement("canvas").getContext("2d");

/** @param {Word[]} words */
export function textLayer(words) {
  const layer = element("div", "text-layer");
  for (const lineWords of linesOf(words)) {
    const line = element("div", "text-line");
    place(line, lineWords[0]);
    lineWords.forEach((word, index) => line.append(wordElement(word, lineWords[index + 1])));
    line.append("\n"); // so that copied lines are lines
    layer.append(line);
  }
  return layer;
}

/**
 * @param {Word[]} words
 * @param {boolean} isCurrent  Whether the hit is the chosen one.
 */
export function marks(words, isCurrent) {
  return words.map((word) => {
    const mark = element("div", isCurrent ? "mark is-current" : "mark");
    place(mark, word);
    mark.style.height = `${word[3] - word[1]}px`;
    mark.style.width = `${word[2] - word[0]}px`;
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
 * A word takes the room up to the next one, and its letters are stretched to their width in the
 * image.
 *
 * @param {Word} word
 * @param {Word | undefined} next  In the same line.
 */
function wordElement([x0, y0, x1, y1, text], next) {
  const created = element("span", "text-word", next ? `${text} ` : text);
  const height = y1 - y0;
  const width = widthOf(text) * height / MEASURED_AT_PX;
  created.style.fontSize = `${height}px`;
  created.style.width = `${(next ? next[0] : x1) - x0}px`;
  if (width > 0) created.style.transform = `scaleX(${(x1 - x0) / width})`;
  return created;
}

/**
 * @param {HTMLElement} target
 * @param {Word} word
 */
function place(target, [x0, y0]) {
  target.style.left = `${x0}px`;
  target.style.top = `${y0}px`;
}

/** @param {string} text */
function widthOf(text) {
  if (!canvas) return 0;
  canvas.font = `${MEASURED_AT_PX}px ${FONT}`;
  return canvas.measureText(text).width;
}
