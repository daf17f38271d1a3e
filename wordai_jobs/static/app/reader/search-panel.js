/** Search in the chapter that is being read, in its book or in all books. */

import {announce} from "../shared/announcer.js";
import {byId, showText} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {countMessage, findPages} from "./find-pages.js";
import {HitList} from "./hit-list.js";
import {isNetworkSlow} from "./image-size.js";

/**
 * @typedef {import("./page-source.js").PageSource} PageSource
 * @typedef {import("./find-pages.js").PageHit} PageHit
 * @typedef {"chapter" | "book" | "all"} ScopeName
 */

const TYPING_PAUSE_MS = 250;

/** Dispatches "open", and "hit" with the number of a page that it is going to show. */
export class SearchPanel extends EventTarget {
  #panel = byId("search");
  #input = byId("search-input", HTMLInputElement);
  #scope = byId("search-scope", HTMLSelectElement);
  #count = byId("search-count");
  #openButton = byId("search-open");
  #list;
  /** @type {PageSource | null} */
  #source = null;
  /** The index of the chosen hit; -1 for none. */
  #chosen = -1;
  /** Whether the chosen hit is in a chapter that is being opened. */
  #isLeading = false;
  /** Whether what has been typed has not been found yet. */
  #isPending = false;
  /** A page whose hit is to be chosen once the search has ended; 0 for none. */
  #awaited = 0;
  /** Ends the search under way. */
  #running = new AbortController();
  #timer = 0;

  /**
   * @param {import("../shared/api.js").Api} api
   * @param {import("./reader-pages.js").ReaderPages} pages
   */
  constructor(api, pages) {
    super();
    this.api = api;
    this.pages = pages;
    this.#list = new HitList(byId("search-hits"), api);
    this.#input.oninput = () => {
      clearTimeout(this.#timer);
      this.#isPending = true;
      this.#timer = setTimeout(() => this.#search(), TYPING_PAUSE_MS);
    };
    this.#scope.onchange = () => this.#search();
    this.#input.onkeydown = (event) => {
      if (event.key !== "Enter") return;
      event.preventDefault();
      if (this.#isPending) this.#awaited = this.pages.current;
      else if (this.#chosen >= 0) this.#choose(this.#chosen + (event.shiftKey ? -1 : 1));
      else this.#choose(this.#nearest - (event.shiftKey ? 1 : 0));
    };
    this.#list.container.onclick = (event) => {
      const link = event.target instanceof Element && event.target.closest("a");
      const position = this.#list.items.findIndex((item) => item.link === link);
      if (position < 0 || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      this.#choose(position);
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

  /**
   * An open search stays, since it may lead to more chapters.
   *
   * @param {PageSource} source
   */
  use(source) {
    this.#source = source;
  }

  /** Forgets the search. */
  reset() {
    this.#input.value = "";
    this.#scope.value = "chapter";
    this.#isLeading = false;
    this.hide();
  }

  /** Once the chapter has been read: shows the hit that has led to it, or searches in it. */
  refresh() {
    const hit = this.#list.items[this.#chosen]?.hit;
    if (this.#isLeading && hit) this.#goTo(hit);
    else if (this.isOpen) this.#search();
    this.#isLeading = false;
  }

  open() {
    this.#show(true);
    this.dispatchEvent(new Event("open"));
    this.#input.focus();
    this.#input.select();
    this.#search();
  }

  /**
   * A search in all books that was begun elsewhere.
   *
   * @param {string} query
   * @param {number} [page]  That it has led to.
   */
  continueWith(query, page = 0) {
    this.#input.value = query;
    this.#scope.value = "all";
    this.#awaited = page;
    this.#show(true);
  }

  close() {
    this.hide();
    this.#openButton.focus();
  }

  hide() {
    this.#show(false);
    this.#clear();
  }

  /** @param {boolean} isOpen */
  #show(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#openButton.setAttribute("aria-expanded", String(isOpen));
  }

  #clear() {
    this.#running.abort();
    this.#isPending = false;
    this.#list.clear();
    this.#chosen = -1;
    this.#count.textContent = "";
    showText(byId("search-pictures"), "");
    this.pages.mark(new Map(), {page: 0, index: -1});
  }

  async #search() {
    this.#clear();
    const running = this.#running = new AbortController();
    const query = this.#input.value.trim();
    const source = this.#source;
    if (!source?.isFinished) this.#count.textContent = t("search.later");
    if (!source?.isFinished || !query) return;
    const {bookId, chapterId} = source;
    const scope = {chapter: {bookId, chapterId}, book: {bookId}, all: {}}[this.#scopeName];
    const options = {
      namesChapters: this.#scopeName !== "chapter",
      labelOf: (/** @type {PageHit} */ hit) => this.#labelOf(hit),
      signal: running.signal,
    };
    this.#setBusy(true);
    this.#isPending = true;
    try {
      for await (const hits of findPages(this.api, query, scope, running.signal)) {
        this.#list.add(hits, query, options);
        this.#mark();
      }
      // Once, at the end, since a screen reader says it.
      this.#count.textContent = countMessage(this.#list.items.length);
      this.#isPending = false;
      if (this.#awaited === this.pages.current) this.#choose(this.#nearest);
      this.#awaited = 0;
      if (this.#scopeName === "chapter") await this.#tellPictures(source, running.signal);
    } catch (error) {
      if (!running.signal.aborted) {
        this.#isPending = false;
        this.#count.textContent = t("search.failed", {detail: error.message});
      }
    }
    if (!running.signal.aborted) this.#setBusy(false);
  }

  get #scopeName() {
    return /** @type {ScopeName} */ (this.#scope.value);
  }

  /** @param {boolean} isBusy */
  #setBusy(isBusy) {
    this.#list.container.setAttribute("aria-busy", String(isBusy));
  }

  /**
   * How many pages could not be searched, if there are any.
   *
   * @param {PageSource} source
   * @param {AbortSignal} signal
   */
  async #tellPictures(source, signal) {
    if (isNetworkSlow()) return; // it takes the text of the whole chapter to know
    const count = await source.countPictures(signal);
    const message = count ? t("search.pictures", {count, total: source.total}) : "";
    if (!signal.aborted) showText(byId("search-pictures"), message);
  }

  /** The position of the first hit from the current page on; the first of all if there is none. */
  get #nearest() {
    const position = this.#list.items.findIndex(({hit}) => (
      hit.chapter_id === this.#source?.chapterId && hit.page_number >= this.pages.current));
    return Math.max(0, position);
  }

  /** @param {number} position  After the last hit comes the first. */
  #choose(position) {
    const {items} = this.#list;
    if (!items.length) return;
    items[this.#chosen]?.link.removeAttribute("aria-current");
    this.#chosen = (position + items.length) % items.length;
    const {hit, link} = items[this.#chosen];
    link.setAttribute("aria-current", "true");
    link.scrollIntoView({block: "nearest"});
    const page = this.#labelOf(hit) ?? hit.page_number;
    announce(t("say.match", {
      number: this.#chosen + 1, total: items.length, page, text: hit.excerpt,
    }));
    if (hit.chapter_id === this.#source?.chapterId) {
      this.#goTo(hit);
    } else {
      this.#isLeading = true;
      location.hash = link.hash;
    }
  }

  /**
   * The number that is printed on the page. It is known of the chapter that is open.
   *
   * @param {PageHit} hit
   */
  #labelOf({chapter_id: chapterId, page_number: page}) {
    return chapterId === this.#source?.chapterId ? this.#source.pages.get(page)?.label : null;
  }

  /** @param {PageHit} hit */
  #goTo({page_number: page, boxes}) {
    this.#mark();
    this.dispatchEvent(new CustomEvent("hit", {detail: page}));
    this.pages.goTo(page, boxes[0]);
  }

  /** A hit is a page, with all places of the words on it. */
  #mark() {
    const byPage = new Map(this.#list.items
      .filter(({hit}) => hit.chapter_id === this.#source?.chapterId)
      .map(({hit}) => [hit.page_number, [hit.boxes]]));
    const {chapter_id: chapterId, page_number: page = 0} =
      this.#list.items[this.#chosen]?.hit ?? {};
    const isHere = chapterId === this.#source?.chapterId;
    this.pages.mark(byPage, isHere ? {page, index: 0} : {page: 0, index: -1});
  }
}
