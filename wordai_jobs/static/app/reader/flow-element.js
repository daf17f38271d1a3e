/** A page's flowing text, with the hits of a search marked. */

import {element} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {flow} from "./flow.js";
import {languageOf} from "./language.js";

/**
 * @typedef {import("./lines.js").Word} Word
 * @typedef {import("./text-layer.js").Box} Box
 */

/**
 * @param {import("./page-source.js").PageContent} content
 * @param {number} usualSize  Of the chapter's letters.
 * @param {Box[][]} hits
 */
export function flowElement({text, words}, usualSize, hits) {
  const created = element("div", "flow");
  created.lang = languageOf(text);
  created.dir = "auto";
  for (const {level, pieces} of flow(words, usualSize)) {
    const block = element(level === 0 ? "p" : level === 2 ? "h2" : "h3");
    block.dir = "auto";
    for (const {word, text: shown} of pieces) {
      const isHit = hits.some((boxes) => boxes.some((box) => isIn(word, box)));
      block.append(isHit ? element("mark", "", shown) : shown);
    }
    block.normalize();
    created.append(block);
  }
  if (!words.length) created.append(element("p", "no-text", t("reader.noText")));
  return created;
}

/**
 * Whether the middle of the word is in the box.
 *
 * @param {Word} word
 * @param {Box} box
 */
function isIn([x0, y0, x1, y1], box) {
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  return box[0] <= x && x <= box[2] && box[1] <= y && y <= box[3];
}
