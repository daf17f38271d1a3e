/** Search in the chapter that is being read. */

import {concurrently} from "../shared/concurrency.js";
import {byId, element} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {findIn} from "./text-search.js";

/**
 * @typedef {import("./page-source.js").PageSource} PageSource
 * @typedef {import("./text-search.js").Hit} Hit
 */

const REQUESTS_AT_ONCE = 4;
const TYPING_PAUSE_MS = 250;
const MOST_HITS = 500;

export class SearchPanel {
  #panel = byId("search");
  #input = byId("search-input", HTMLInputElement);
  #count = byId("search-count");
  #openButton = byId("search-open");
  /** @type {PageSource | null} */
  #source = null;
  /** @type {{page: number, index: number, hit: Hit, button: HTMLElement}[]} `index` on its page. */
  #hits = [];
  /** The index of the chosen hit; -1 for none. */
  #chosen = -1;
  /** Counts searches: one that is not the last any more stops. */
  #run = 0;
  #timer = 0;

  /** @param {import("./reader-pages.js").ReaderPages} pages */
  constructor(pages) {
    this.pages = pages;
    this.#input.oninput = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#search(), TYPING_PAUSE_MS);
    };
    this.#input.onkeydown = (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      this.#choose(this.#chosen + (event.shiftKey ? -1 : 1));
    };
    byId("search-form").onsubmit = (event) => event.preventDefault();
    this.#openButton.onclick = () => (this.isOpen ? this.close() : this.open());
    byId("search-close").onclick = () => this.close();
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  get hasFocus() {
    return this.#panel.contains(document.activeElement);
  }

  /** @param {PageSource} source */
  use(source) {
    this.#source = source;
    this.#input.value = "";
    this.#show(false);
    this.#clear();
  }

  /** After the chapter has been finished. */
  refresh() {
    if (this.isOpen) this.#search();
  }

  open() {
    this.#show(true);
    this.#input.focus();
    this.#input.select();
    this.#search();
  }

  close() {
    this.#show(false);
    this.#clear();
    this.#openButton.focus();
  }

  /** @param {boolean} isOpen */
  #show(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#openButton.setAttribute("aria-expanded", String(isOpen));
  }

  #clear() {
    this.#run += 1;
    this.#hits = [];
    this.#chosen = -1;
    byId("search-hits").replaceChildren();
    this.#count.textContent = "";
    this.pages.mark(new Map(), {page: 0, index: -1});
  }

  async #search() {
    this.#clear();
    const query = this.#input.value.trim();
    if (!this.#source?.isFinished) this.#count.textContent = t("search.later");
    else if (query) await this.#searchPages(this.#source, query, this.#run);
  }

  /**
   * Hits appear in the order of the pages, whichever page is read first.
   *
   * @param {PageSource} source
   * @param {string} query
   * @param {number} run
   */
  async #searchPages(source, query, run) {
    const numbers = Array.from({length: source.total}, (_, index) => index + 1);
    /** @type {Map<number, Hit[]>} By page number. */
    const found = new Map();
    let searched = 0;
    try {
      await concurrently(numbers, REQUESTS_AT_ONCE, async (number) => {
        if (run !== this.#run || this.#hits.length >= MOST_HITS) return;
        const {words} = await source.content(number, source.signal);
        if (run !== this.#run) return;
        found.set(number, findIn(words, query));
        while (found.has(searched + 1)) {
          searched += 1;
          this.#add(searched, found.get(searched) ?? []);
        }
        this.#renderCount(searched, source.total);
      });
      if (run === this.#run) this.#renderCount(source.total, source.total);
    } catch (error) {
      if (run !== this.#run) return;
      this.#count.textContent = t("search.failed", {detail: error.message});
    }
  }

  /**
   * @param {number} page
   * @param {Hit[]} hits
   */
  #add(page, hits) {
    hits.slice(0, MOST_HITS - this.#hits.length).forEach((hit, index) => {
      const button = hitButton(page, hit);
      const position = this.#hits.length;
      button.onclick = () => this.#choose(position);
      this.#hits.push({page, index, hit, button});
      const item = element("li");
      item.append(button);
      byId("search-hits").append(item);
    });
    if (hits.length) this.#mark();
  }

  /**
   * @param {number} done  Pages that have been searched.
   * @param {number} total
   */
  #renderCount(done, total) {
    const count = this.#hits.length;
    const found = t(count >= MOST_HITS ? "search.most" : "search.found", {count});
    const isRunning = done < total && count < MOST_HITS;
    if (isRunning) this.#count.textContent = t("search.running", {found, done, total});
    else this.#count.textContent = count ? found : t("search.none");
  }

  /** @param {number} position  After the last hit comes the first. */
  #choose(position) {
    if (!this.#hits.length) return;
    this.#hits[this.#chosen]?.button.removeAttribute("aria-current");
    this.#chosen = (position + this.#hits.length) % this.#hits.length;
    const {page, hit, button} = this.#hits[this.#chosen];
    button.setAttribute("aria-current", "true");
    button.scrollIntoView({block: "nearest"});
    this.#mark();
    this.pages.goTo(page, boxOfWord(hit.words[0]));
  }

  #mark() {
    const byPage = new Map();
    for (const {page, hit} of this.#hits) {
      byPage.set(page, [...byPage.get(page) ?? [], hit.words.map(boxOfWord)]);
    }
    const {page = 0, index = -1} = this.#hits[this.#chosen] ?? {};
    this.pages.mark(byPage, {page, index});
  }
}

/** @param {import("./lines.js").Word} word */
function boxOfWord([x0, y0, x1, y1]) {
  return [x0, y0, x1, y1];
}

/**
 * @param {number} page
 * @param {Hit} hit
 */
function hitButton(page, {before, match, after}) {
  const button = element("button", "hit");
  button.type = "button";
  const excerpt = element("span", "hit-text", `${before} `);
  excerpt.append(element("mark", "", match), ` ${after}`);
  button.append(element("span", "hit-page figures", t("reader.page", {number: page})), excerpt);
  return button;
}
