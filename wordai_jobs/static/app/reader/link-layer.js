/** The links of a page over its image. */

import {element} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {place} from "./text-layer.js";

/** @typedef {import("./page-source.js").PageContent} PageContent */

const PROTOCOLS = ["http:", "https:", "mailto:"];

/**
 * @param {PageContent} content
 * @param {(page: number) => string} addressOf
 */
export function linkLayer({links = [], words}, addressOf) {
  const layer = element("div", "link-layer");
  for (const {rect, page_number: page, url} of links) {
    const link = element("a", "page-link");
    if (page) {
      link.href = addressOf(page);
      link.title = t("reader.toPage", {number: page});
    } else if (url && isAllowed(url)) {
      link.href = url;
      link.title = url;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
    } else {
      continue;
    }
    place(link, rect, ["width", "height"]);
    link.setAttribute("aria-label", `${textIn(words, rect)} ${link.title}`.trim());
    layer.append(link);
  }
  return layer;
}

/** @param {string} url  From the PDF, which may hold anything. */
function isAllowed(url) {
  return URL.canParse(url) && PROTOCOLS.includes(new URL(url).protocol);
}

/**
 * @param {PageContent["words"]} words
 * @param {number[]} rect
 */
function textIn(words, [left, top, right, bottom]) {
  return words.filter(([x0, y0, x1, y1]) => {
    const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
    return left <= x && x <= right && top <= y && y <= bottom;
  }).map((word) => word[4]).join(" ");
}
