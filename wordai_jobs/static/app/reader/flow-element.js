/** A page's flowing text, with its links, and with the hits of a search marked. */

import {element} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {flow} from "./flow.js";
import {languageOf} from "./language.js";
import {isIn} from "./lines.js";
import {linkElement} from "./link-layer.js";

/**
 * @typedef {import("./lines.js").Word} Word
 * @typedef {import("./text-layer.js").Box} Box
 *
 * @typedef {object} FlowContext  What the rest of the chapter tells of the page's text.
 * @property {number} usualSize  Of the chapter's letters.
 * @property {Set<Word>} leftOut  The words of running heads and the like.
 * @property {(page: number) => string} addressOf
 */

/**
 * @param {import("./page-source.js").PageContent} content
 * @param {FlowContext} context
 * @param {Box[][]} hits
 */
export function flowElement({text, words, links = []}, {usualSize, leftOut, addressOf}, hits) {
  const created = element("div", "flow");
  created.lang = languageOf(text);
  created.dir = "auto";
  const kept = words.filter((word) => !leftOut.has(word));
  for (const {level, isListing, pieces} of flow(kept, usualSize)) {
    const block = element(isListing ? "pre" : level === 0 ? "p" : level === 2 ? "h2" : "h3");
    block.dir = "auto";
    /** @type {HTMLElement} Where the next word goes: the block, or a link in it. */
    let target = block;
    /** @type {import("./page-source.js").PageLink | undefined} */
    let linkBefore;
    let blank = "";
    for (const {word, text: piece} of pieces) {
      const link = links.find(({rect}) => isIn(word, rect));
      if (link === linkBefore) {
        target.append(blank);
      } else {
        block.append(blank);
        target = (link && linkElement(link, addressOf)) ?? block;
        if (target !== block) block.append(target);
      }
      const isHit = hits.some((boxes) => boxes.some((box) => isIn(word, box)));
      const [shown, end] = [piece.trim(), piece.trimEnd().length];
      target.append(piece.slice(0, end - shown.length));
      target.append(isHit ? element("mark", "", shown) : shown);
      [linkBefore, blank] = [link, piece.slice(end)];
    }
    block.normalize();
    created.append(block);
  }
  if (!words.length) created.append(element("p", "no-text", t("reader.noText")));
  return created;
}
