/** The pages, one below the other: those in sight or close to it with their images and text. */

import {byId} from "../shared/dom.js";
import {ReaderPage} from "./reader-page.js";

/** @typedef {import("./lines.js").Word} Word */

const WIDEST_FIT_PX = 900;
const MARGIN_PX = 16;
/** Pages up to one and a half screens away are loaded. */
const NEAR = "150% 0px";
const ZOOM_STEP = 1.25;
const [SMALLEST_ZOOM, LARGEST_ZOOM] = [0.4, 5];

/**
 * Dispatches "page" when another page is being read, "zoom", and "broken" when an image cannot be
 * loaded.
 */
export class ReaderPages extends EventTarget {
  #container = byId("pages");
  /** @type {ReaderPage[]} */
  #items = [];
  /** @type {import("./page-source.js").PageSource | null} */
  #source = null;
  /** @type {Map<number, Word[][]>} By page number. */
  #hits = new Map();
  #currentHit = {page: 0, index: -1};
  #observer = new IntersectionObserver(
    (entries) => this.#updateNear(entries), {root: byId("pages"), rootMargin: NEAR});
  /** The number of the page that is being read. */
  current = 1;
  /** 1 fits the pages to the width. */
  zoom = 1;

  constructor() {
    super();
    this.#container.onscroll = () => requestAnimationFrame(() => this.#findCurrent());
    new ResizeObserver(() => this.#resize()).observe(this.#container);
  }

  /** @param {import("./page-source.js").PageSource} source */
  open(source) {
    this.#observer.disconnect();
    this.#container.replaceChildren();
    this.#container.scrollTo(0, 0);
    this.#items = [];
    this.#source = source;
    this.#hits = new Map();
    this.current = 1;
    this.zoom = 1;
    this.update();
  }

  /** After the source has read more pages, or new URLs. */
  update() {
    if (!this.#source) return;
    const {total, pages} = this.#source;
    const [shape] = pages.values();
    while (this.#items.length < total) {
      const broken = () => this.dispatchEvent(new Event("broken"));
      const item = new ReaderPage(this.#items.length + 1, broken);
      this.#items.push(item);
      this.#container.append(item.element);
      this.#observer.observe(item.element);
    }
    for (const item of this.#items) {
      item.describe(pages.get(item.number), shape);
      if (item.isNear) this.#load(item);
    }
    this.#resize();
  }

  /**
   * @param {number} number  The nearest page that exists is shown.
   * @param {Word} [word]  Comes into sight.
   */
  goTo(number, word) {
    const item = this.#items[Math.max(1, Math.min(number, this.#items.length)) - 1];
    if (!item) return;
    const {clientWidth, clientHeight} = this.#container;
    const {offsetTop, offsetLeft} = item.element;
    if (word) {
      const scale = item.info ? item.element.clientWidth / item.info.width : 0;
      const top = offsetTop + word[1] * scale - clientHeight / 3;
      const left = offsetLeft + word[0] * scale - clientWidth / 2;
      this.#container.scrollTo({top, left});
    } else {
      this.#container.scrollTo({top: offsetTop - MARGIN_PX});
    }
    this.#setCurrent(item.number);
  }

  /** @param {number} screens  Down, or up if it is negative. */
  scroll(screens) {
    this.#container.scrollBy({top: screens * this.#container.clientHeight});
  }

  focus() {
    this.#container.focus({preventScroll: true});
  }

  /**
   * Whether the browser itself scrolls the pages by this key, more smoothly than a script does.
   *
   * @param {KeyboardEvent} event
   */
  isScrolledBy({target, key}) {
    const keys = ["ArrowUp", "ArrowDown", "PageUp", "PageDown"];
    return target === this.#container && keys.includes(key);
  }

  get isWiderThanScreen() {
    return this.#container.scrollWidth > this.#container.clientWidth + 1;
  }

  /** @param {-1 | 0 | 1} direction  0 fits the pages to the width. */
  zoomTo(direction) {
    const wanted = direction === 0 ? 1 : this.zoom * ZOOM_STEP ** direction;
    this.zoom = Math.max(SMALLEST_ZOOM, Math.min(LARGEST_ZOOM, wanted));
    this.#resize();
    this.dispatchEvent(new Event("zoom"));
  }

  /**
   * @param {Map<number, Word[][]>} hits  By page number.
   * @param {{page: number, index: number}} current  The chosen hit; page 0 for none.
   */
  mark(hits, current) {
    this.#hits = hits;
    this.#currentHit = current;
    for (const item of this.#items) if (item.isNear) this.#mark(item);
  }

  /** @param {ReaderPage} item */
  #mark(item) {
    const {page, index} = this.#currentHit;
    item.mark(this.#hits.get(item.number) ?? [], page === item.number ? index : -1);
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #updateNear(entries) {
    for (const {target, isIntersecting} of entries) {
      const number = Number(/** @type {HTMLElement} */ (target).dataset.page);
      const item = this.#items[number - 1];
      if (!item) continue;
      item.isNear = isIntersecting;
      if (isIntersecting) this.#load(item);
      else item.unload();
    }
  }

  /** @param {ReaderPage} item */
  async #load(item) {
    const source = this.#source;
    item.load();
    if (!source?.isFinished || item.hasText) return;
    try {
      const {words} = await source.content(item.number);
      item.addText(words);
      this.#mark(item);
    } catch (error) {
      // The image can be read without its text. A search says what it could not search.
      if (!source.signal.aborted) console.warn(`No text of page ${item.number}:`, error.message);
    }
  }

  /** Fits the pages to the width and the zoom, and keeps the place that is being read in sight. */
  #resize() {
    const fit = Math.min(WIDEST_FIT_PX, this.#container.clientWidth - 2 * MARGIN_PX);
    if (fit <= 0) return;
    const {style} = this.#container;
    const width = `${Math.round(fit * this.zoom)}px`;
    if (style.getPropertyValue("--page-width") === width) {
      this.#rescale();
      return;
    }
    const page = this.#items[this.current - 1]?.element;
    const {scrollTop, scrollLeft, clientWidth, scrollWidth} = this.#container;
    const down = page ? (scrollTop - page.offsetTop) / page.offsetHeight : 0;
    const across = (scrollLeft + clientWidth / 2) / scrollWidth;
    style.setProperty("--page-width", width);
    this.#rescale();
    if (!page) return;
    this.#container.scrollTo({
      top: page.offsetTop + down * page.offsetHeight,
      left: across * this.#container.scrollWidth - this.#container.clientWidth / 2,
    });
  }

  #rescale() {
    for (const item of this.#items) if (item.isNear) item.rescale();
  }

  /** The page being read is the one that crosses a line in the upper part of the screen. */
  #findCurrent() {
    const line = this.#container.scrollTop + this.#container.clientHeight * 0.35;
    let [low, high] = [0, this.#items.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#items[middle].element.offsetTop <= line) low = middle;
      else high = middle - 1;
    }
    if (this.#items.length) this.#setCurrent(low + 1);
  }

  /** @param {number} number */
  #setCurrent(number) {
    if (number === this.current) return;
    this.current = number;
    this.dispatchEvent(new Event("page"));
  }
}
