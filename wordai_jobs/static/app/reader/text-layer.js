/** The text of a page over its image: invisible, to be selected, copied and read aloud; and marks of what was found. */

import {element} from "../shared/dom.js";
import {linesOf} from "./lines.js";

const FONT = "sans-serif";
const MEASURED_AT = 100;
const canvas = globalThis.document?.createElement("canvas").getContext("2d");

/**
 * @param {import("./lines.js").Word[]} words
 * @returns {HTMLElement}  Measured in pixels of the image; `scaleLayer` fits it to what is shown.
 */
export function textLayer(words) {
  const layer = element("div", "text-layer");
  layer.append(...linesOf(words).map(lineElement));
  return layer;
}

/**
 * @param {import("./lines.js").Word[]} words
 * @param {boolean} isCurrent
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

/** @param {HTMLElement} layer @param {number} scale  Shown pixels a pixel of the image. */
export function scaleLayer(layer, scale) {
  layer.style.transform = `scale(${scale})`;
}

function lineElement(words) {
  const line = element("div", "text-line");
  place(line, words[0]);
  words.forEach((word, index) => line.append(wordElement(word, words[index + 1])));
  line.append("\n");  // so that copied lines are lines
  return line;
}

/** Each word takes the room up to the next one, and its letters are stretched to the width that they have in the image. */
function wordElement(word, next) {
  const [x0, y0, x1, y1, text] = word;
  const made = element("span", "text-word", next ? `${text} ` : text);
  const height = y1 - y0;
  const width = measure(text) * height / MEASURED_AT;
  made.style.fontSize = `${height}px`;
  made.style.width = `${(next ? next[0] : x1) - x0}px`;
  if (width > 0) made.style.transform = `scaleX(${(x1 - x0) / width})`;
  return made;
}

function place(target, [x0, y0]) {
  target.style.left = `${x0}px`;
  target.style.top = `${y0}px`;
}

function measure(text) {
  canvas.font = `${MEASURED_AT}px ${FONT}`;
  return canvas.measureText(text).width;
}
