/** The links of a page over its image. */

import {element} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {isIn} from "./lines.js";
import {place} from "./text-layer.js";

/** @typedef {import("./page-source.js").PageContent} PageContent */

const PROTOCOLS = ["http:", "https:", "mailto:"];

/**
 * @param {PageContent} content
 * @param {(page: number) => string} addressOf
 */
export function linkLayer({links = [], words}, addressOf) {
  const layer = element("div", "link-layer");
  for (const link of links) {
    const created = linkElement(link, addressOf);
    if (!created) continue;
    const inside = words.filter((word) => isIn(word, link.rect)).map((word) => word[4]);
    created.className = "page-link";
    created.setAttribute("aria-label", [...inside, created.title].join(" "));
    place(created, link.rect, ["width", "height"]);
    layer.append(created);
  }
  return layer;
}

/**
 * @param {import("./page-source.js").PageLink} link
 * @param {(page: number) => string} addressOf
 * @returns {HTMLAnchorElement | null}  null if the link leads nowhere that is allowed.
 */
export function linkElement({page_number: page, url}, addressOf) {
  const link = element("a");
  if (page) {
    link.href = addressOf(page);
    link.title = t("reader.toPage", {number: page});
  } else if (url && isAllowed(url)) {
    link.href = url;
    link.title = url;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
  } else {
    return null;
  }
  return link;
}

/** @param {string} url  From the PDF, which may hold anything. */
function isAllowed(url) {
  return URL.canParse(url) && PROTOCOLS.includes(new URL(url).protocol);
}
