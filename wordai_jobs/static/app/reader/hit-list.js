/** The list of pages that a search has found, with the names of their chapters. */

import {element} from "../shared/dom.js";
import {isolated} from "../shared/i18n.js";
import {formatRoute} from "../shared/router.js";
import {readBook} from "./book-context.js";
import {markedParts} from "./find-pages.js";
import {pageName} from "./reader-page.js";

/**
 * @typedef {import("./find-pages.js").PageHit} PageHit
 * @typedef {import("../shared/api.js").Api} Api
 *
 * @typedef {object} HitListOptions
 * @property {boolean} namesChapters
 * @property {(hit: PageHit) => string | null | undefined} [labelOf]  The number that is printed on
 *   the page.
 * @property {AbortSignal} signal
 */

/** The dots of a table of contents. */
const LEADER = /\s*(?:\.\s*){4,}/g;

export class HitList {
  /** @type {{hit: PageHit, link: HTMLAnchorElement}[]} */
  items = [];
  /** @type {Map<string, ReturnType<typeof readBook>>} */
  #books = new Map();

  /**
   * @param {HTMLElement} container
   * @param {Api} api
   */
  constructor(container, api) {
    this.container = container;
    this.api = api;
  }

  clear() {
    this.items = [];
    this.#books.clear();
    this.container.replaceChildren();
  }

  /**
   * @param {PageHit[]} hits
   * @param {string} query
   * @param {HitListOptions} options
   */
  add(hits, query, {namesChapters, labelOf, signal}) {
    for (const hit of hits) {
      const last = this.items.at(-1)?.hit;
      if (namesChapters && last?.chapter_id !== hit.chapter_id) {
        const heading = element("li", "hit-chapter");
        this.container.append(heading);
        this.#name(heading, hit, signal);
      }
      const link = hitLink(hit, query, labelOf?.(hit));
      this.items.push({hit, link});
      const item = element("li");
      item.append(link);
      this.container.append(item);
    }
  }

  /**
   * @param {HTMLElement} heading
   * @param {PageHit} hit
   * @param {AbortSignal} signal
   */
  async #name(heading, {book_id: bookId, chapter_id: chapterId}, signal) {
    const reading = this.#books.get(bookId) ?? readBook(this.api, bookId, signal);
    this.#books.set(bookId, reading);
    try {
      const {title, chapters} = await reading;
      const chapter = chapters.find((it) => it.chapter_id === chapterId);
      const titles = [title, chapter?.title ?? ""].filter(Boolean);
      heading.textContent = titles.map(isolated).join(" · ");
    } catch (error) {
      if (!signal.aborted) console.warn("The name of a chapter:", error.message);
    }
  }
}

/**
 * @param {PageHit} hit
 * @param {string} query
 * @param {string | null} [label]
 */
function hitLink(hit, query, label) {
  const {book_id: bookId, chapter_id: chapterId, page_number: page, excerpt} = hit;
  const link = element("a", "hit");
  link.href = formatRoute({view: "chapter", bookId, chapterId, page, query});
  const text = element("span", "hit-text");
  text.dir = "auto";
  markedParts(excerpt.replace(LEADER, " … "), query).forEach((part, index) => (
    text.append(index % 2 ? element("mark", "", part) : part)));
  link.append(element("span", "hit-page figures", pageName(page, label)), text);
  return link;
}
