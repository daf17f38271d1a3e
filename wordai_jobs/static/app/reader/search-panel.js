/** Search in the chapter that is being read. */

import {concurrently} from "../shared/concurrency.js";
import {byId, element} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {findIn} from "./text-search.js";

const REQUESTS_AT_ONCE = 4;
const TYPING_PAUSE = 250;
const MOST_HITS = 500;

export class SearchPanel {
  /** @type {import("./page-source.js").PageSource | null} */
  #source = null;
  /** @type {{page: number, index: number, hit: import("./text-search.js").Hit, item: HTMLElement}[]} */
  #hits = [];
  #chosen = -1;
  #run = 0;
  #timer = 0;

  /** @param {import("./reader-pages.js").ReaderPages} pages */
  constructor(pages) {
    this.pages = pages;
    byId("search-input").oninput = () => {
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#search(), TYPING_PAUSE);
    };
    byId("search-form").onsubmit = (event) => event.preventDefault();
    byId("search-input").onkeydown = (event) => this.#onKey(event);
    byId("search-open").onclick = () => (this.isOpen ? this.close() : this.open());
    byId("search-close").onclick = () => this.close();
  }

  get isOpen() {
    return !byId("search").hidden;
  }

  /** @param {import("./page-source.js").PageSource} source */
  use(source) {
    this.#source = source;
    byId("search-input").value = "";
    this.#show(false);
    this.#clear();
  }

  /** The chapter has been finished meanwhile. */
  refresh() {
    if (this.isOpen) this.#search();
  }

  open() {
    this.#show(true);
    byId("search-input").focus();
    byId("search-input").select();
    this.#search();
  }

  close() {
    this.#show(false);
    this.#clear();
    byId("search-open").focus();
  }

  #show(isOpen) {
    byId("search").hidden = !isOpen;
    byId("search-open").setAttribute("aria-expanded", String(isOpen));
  }

  #clear() {
    this.#run += 1;
    this.#hits = [];
    this.#chosen = -1;
    byId("search-hits").replaceChildren();
    byId("search-count").textContent = "";
    this.pages.mark(new Map(), {page: 0, index: -1});
  }

  async #search() {
    this.#clear();
    const query = byId("search-input").value.trim();
    if (!this.#source?.isFinished) byId("search-count").textContent = t("search.later");
    else if (query) await this.#searchPages(this.#source, query, this.#run);
  }

  /** Hits appear in the order of the pages, whichever page is read first. */
  async #searchPages(source, query, run) {
    const numbers = Array.from({length: source.total}, (_, index) => index + 1);
    const found = new Map();
    let next = 1;
    try {
      await concurrently(numbers, REQUESTS_AT_ONCE, async (number) => {
        if (run !== this.#run || this.#hits.length >= MOST_HITS) return;
        found.set(number, findIn((await source.content(number)).words, query));
        if (run !== this.#run) return;
        while (found.has(next)) this.#add(next, found.get(next++));
        this.#count(next - 1 < source.total ? next - 1 : 0);
      });
      if (run === this.#run) this.#count(0);
    } catch (error) {
      if (run === this.#run) byId("search-count").textContent = t("search.failed", {detail: error.message});
    }
  }

  #add(page, hits) {
    hits.slice(0, MOST_HITS - this.#hits.length).forEach((hit, index) => {
      const item = hitElement(page, hit);
      const position = this.#hits.length;
      item.firstElementChild.onclick = () => this.#choose(position);
      this.#hits.push({page, index, hit, item});
      byId("search-hits").append(item);
    });
    if (hits.length) this.#mark();
  }

  /** @param {number} done  Pages searched; 0 when all are. */
  #count(done) {
    const count = this.#hits.length;
    const found = t(count >= MOST_HITS ? "search.most" : "search.found", {count});
    const isRunning = done > 0 && count < MOST_HITS;
    const words = count || isRunning ? found : t("search.none");
    byId("search-count").textContent = isRunning ? t("search.running", {found, done, total: this.#source.total}) : words;
  }

  #choose(position) {
    if (!this.#hits.length) return;
    this.#hits[this.#chosen]?.item.firstElementChild.removeAttribute("aria-current");
    this.#chosen = (position + this.#hits.length) % this.#hits.length;
    const {page, hit, item} = this.#hits[this.#chosen];
    item.firstElementChild.setAttribute("aria-current", "true");
    item.scrollIntoView({block: "nearest"});
    this.#mark();
    this.pages.goTo(page, hit.words[0]);
  }

  #mark() {
    const byPage = new Map();
    for (const {page, hit} of this.#hits) byPage.set(page, [...byPage.get(page) ?? [], hit.words]);
    const {page = 0, index = -1} = this.#hits[this.#chosen] ?? {};
    this.pages.mark(byPage, {page, index});
  }

  #onKey(event) {
    if (event.key !== "Enter") return;
    event.preventDefault();
    this.#choose(this.#chosen + (event.shiftKey ? -1 : 1));
  }
}

function hitElement(page, {before, match, after}) {
  const button = element("button", "hit");
  button.type = "button";
  const excerpt = element("span", "hit-text", `${before} `);
  excerpt.append(element("mark", "", match), ` ${after}`);
  button.append(element("span", "hit-page figures", t("reader.page", {number: page})), excerpt);
  const item = element("li", "");
  item.append(button);
  return item;
}
