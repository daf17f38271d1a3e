/** The pages one below the other: near ones with image and text, the others as room to scroll through. */

import {byId} from "../shared/dom.js";
import {ReaderPage} from "./reader-page.js";

const WIDEST_FIT = 900;
const MARGIN = 16;
const NEAR = "150% 0px";
const ZOOM_STEP = 1.25;
const [SMALLEST, LARGEST] = [0.4, 5];

/** Tells "page" when another page is being read, "zoom", and "broken" when an image cannot be had. */
export class ReaderPages extends EventTarget {
  #container = byId("pages");
  /** @type {ReaderPage[]} */
  #items = [];
  /** @type {import("./page-source.js").PageSource | null} */
  #source = null;
  /** @type {Map<number, import("./lines.js").Word[][]>} */
  #hits = new Map();
  #currentHit = {page: 0, index: -1};
  #observer = new IntersectionObserver((entries) => this.#onNear(entries), {root: byId("pages"), rootMargin: NEAR});
  current = 1;
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

  /** The source knows more pages than before, or other addresses. */
  update() {
    const {total, pages} = this.#source;
    const [shape] = pages.values();
    while (this.#items.length < total) this.#append();
    for (const item of this.#items) {
      item.describe(pages.get(item.number), shape);
      if (item.isNear) this.#load(item);
    }
    this.#resize();
  }

  /** @param {number} number @param {import("./lines.js").Word} [word]  What shall be in sight. */
  goTo(number, word) {
    const item = this.#items[Math.max(1, Math.min(number, this.#items.length)) - 1];
    if (!item) return;
    const scale = word && item.info ? item.element.clientWidth / item.info.width : 0;
    const inPage = word ? word[1] * scale - this.#container.clientHeight / 3 : -MARGIN;
    const left = word ? item.element.offsetLeft + word[0] * scale - this.#container.clientWidth / 2 : undefined;
    this.#container.scrollTo({top: item.element.offsetTop + inPage, left});
    this.#setCurrent(item.number);
  }

  /** @param {number} screens  Down, or up where negative. */
  scroll(screens) {
    this.#container.scrollBy({top: screens * this.#container.clientHeight});
  }

  focus() {
    this.#container.focus({preventScroll: true});
  }

  /** Whether the browser scrolls the pages by this key without help, more smoothly than a script does. */
  scrollsBy({target, key}) {
    return target === this.#container && ["ArrowUp", "ArrowDown", "PageUp", "PageDown"].includes(key);
  }

  get isWiderThanScreen() {
    return this.#container.scrollWidth > this.#container.clientWidth + 1;
  }

  /** @param {-1 | 0 | 1} direction  0 fits the pages to the width. */
  zoomTo(direction) {
    const wanted = direction === 0 ? 1 : this.zoom * ZOOM_STEP ** direction;
    this.zoom = Math.max(SMALLEST, Math.min(LARGEST, wanted));
    this.#resize();
    this.dispatchEvent(new Event("zoom"));
  }

  /** @param {Map<number, import("./lines.js").Word[][]>} hits by page @param {{page: number, index: number}} current */
  mark(hits, current) {
    this.#hits = hits;
    this.#currentHit = current;
    for (const item of this.#items) if (item.isNear) this.#mark(item);
  }

  #append() {
    const item = new ReaderPage(this.#items.length + 1, () => this.dispatchEvent(new Event("broken")));
    this.#items.push(item);
    this.#container.append(item.element);
    this.#observer.observe(item.element);
  }

  #onNear(entries) {
    for (const {target, isIntersecting} of entries) {
      const item = this.#items[Number(target.dataset.page) - 1];
      if (!item) continue;
      item.isNear = isIntersecting;
      if (isIntersecting) this.#load(item);
      else item.unload();
    }
  }

  async #load(item) {
    const source = this.#source;
    item.load();
    if (!source?.isFinished || item.hasText) return;
    try {
      const {words} = await source.content(item.number);
      item.addText(words);
      this.#mark(item);
    } catch (error) {
      // The page can be looked at without its text; whoever searches is told.
      if (!source.signal.aborted) console.warn(`No text of page ${item.number}:`, error.message);
    }
  }

  #mark(item) {
    const {page, index} = this.#currentHit;
    item.mark(this.#hits.get(item.number) ?? [], page === item.number ? index : -1);
  }

  /** Fit the pages to the width again, and keep in sight what is being read. */
  #resize() {
    const fit = Math.min(WIDEST_FIT, this.#container.clientWidth - 2 * MARGIN);
    if (fit <= 0) return;
    const width = `${Math.round(fit * this.zoom)}px`;
    if (this.#container.style.getPropertyValue("--page-width") === width) return this.#rescale();
    const place = this.#place();
    this.#container.style.setProperty("--page-width", width);
    this.#rescale();
    this.#restore(place);
  }

  #rescale() {
    for (const item of this.#items) if (item.isNear) item.rescale();
  }

  #place() {
    const page = this.#items[this.current - 1]?.element;
    const {scrollTop, scrollLeft, clientWidth, scrollWidth} = this.#container;
    return page && {
      page, down: (scrollTop - page.offsetTop) / page.offsetHeight, across: (scrollLeft + clientWidth / 2) / scrollWidth,
    };
  }

  #restore(place) {
    if (!place) return;
    const {page, down, across} = place;
    const {clientWidth, scrollWidth} = this.#container;
    this.#container.scrollTo({top: page.offsetTop + down * page.offsetHeight, left: across * scrollWidth - clientWidth / 2});
  }

  /** The page that crosses a line in the upper part of what is seen. */
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

  #setCurrent(number) {
    if (number === this.current) return;
    this.current = number;
    this.dispatchEvent(new Event("page"));
  }
}
