/** The pages: those in sight or close to it with their images and text. */

import {byId} from "../shared/dom.js";
import {TextSizes} from "./flow.js";
import {imageUrls, isNetworkSlow} from "./image-size.js";
import {LoadQueue} from "./load-queue.js";
import {ReaderPage} from "./reader-page.js";
import {RunningLines} from "./running-lines.js";
import {recallView, rememberView} from "./view-settings.js";

/**
 * @typedef {import("./text-layer.js").Box} Box
 * @typedef {{page: HTMLElement | undefined, down: number, across: number}} Place
 */

const COMFORTABLE_WIDTH_PX = 900;
const MARGIN_PX = 16;
/** The page being read crosses a line this far down the screen. Pages of text may be short. */
const [READING_LINE, TEXT_READING_LINE] = [0.35, 0.1];
/** Pages up to one and a half screens away are loaded. */
const NEAR = "150% 0px";
const ZOOM_STEP = 1.25;
const [SMALLEST_ZOOM, LARGEST_ZOOM] = [0.4, 5];
const [SMALLEST_TEXT, LARGEST_TEXT] = [0.6, 3];

/**
 * Dispatches "page" when another page is being read, "view" when the view has changed, "zoomed"
 * when that was by zooming, "resized" when pages have another size, "broken" when something cannot
 * be loaded, and "loaded" when an image has been.
 */
export class ReaderPages extends EventTarget {
  #container = byId("pages");
  #list = byId("page-list");
  /** @type {ReaderPage[]} */
  #items = [];
  /** @type {import("./page-source.js").PageSource | null} */
  #source = null;
  /** @type {(page: number) => string} */
  #addressOf = () => "";
  #sizes = new TextSizes();
  #runningLines = new RunningLines();
  /** @type {Map<number, Box[][]>} By page number. */
  #hits = new Map();
  #currentHit = {page: 0, index: -1};
  /** A page whose mark comes into sight once its text is there; 0 for none. */
  #awaitedMark = 0;
  #observer = new IntersectionObserver(
    (entries) => this.#updateNear(entries), {root: byId("pages"), rootMargin: NEAR});
  /** Further loads, of other parts of the reader, wait in it as well. */
  queue = new LoadQueue();
  view = recallView();
  /** The number of the page that is being read. */
  current = 1;

  constructor() {
    super();
    this.#container.onscroll = () => requestAnimationFrame(() => this.#findCurrent());
    new ResizeObserver(() => this.#resize()).observe(this.#container);
    this.#applyView();
  }

  /**
   * @param {import("./page-source.js").PageSource} source
   * @param {(page: number) => string} addressOf  Of links between pages.
   */
  open(source, addressOf) {
    this.#observer.disconnect();
    this.queue.clear();
    this.#list.replaceChildren();
    this.#container.scrollTo(0, 0);
    this.#items = [];
    this.#source = source;
    this.#addressOf = addressOf;
    this.#sizes = new TextSizes();
    this.#runningLines = new RunningLines();
    this.#hits = new Map();
    this.current = this.queue.current = 1;
    this.update();
  }

  close() {
    this.queue.clear();
  }

  /** After the source has read more pages, or new URLs. */
  update() {
    if (!this.#source) return;
    const {total, pages} = this.#source;
    const [shape] = pages.values();
    while (this.#items.length < total) {
      const item = new ReaderPage(this.#items.length + 1);
      this.#items.push(item);
      this.#list.append(item.element);
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
   * @param {Box} [box]  Comes into sight.
   */
  goTo(number, box) {
    const item = this.#items[Math.max(1, Math.min(number, this.#items.length)) - 1];
    if (!item) return;
    this.#setCurrent(item.number);
    const {clientWidth, clientHeight} = this.#container;
    const {offsetTop, offsetLeft} = item.element;
    if (box && !this.view.isText) {
      const scale = item.info ? item.element.clientWidth / item.info.width : 0;
      const top = offsetTop + box[1] * scale - clientHeight / 3;
      const left = offsetLeft + box[0] * scale - clientWidth / 2;
      this.#container.scrollTo({top, left});
    } else {
      this.#container.scrollTo({top: offsetTop - MARGIN_PX});
      this.#awaitedMark = box ? item.number : 0;
      this.#showMark(item);
    }
  }

  /**
   * In flowing text, the first mark of the page comes into sight if it is awaited.
   *
   * @param {ReaderPage} item
   */
  #showMark(item) {
    const mark = item.element.querySelector("mark");
    if (!mark || item.number !== this.#awaitedMark) return;
    this.#awaitedMark = 0;
    if (item.number === this.current) mark.scrollIntoView({block: "center"});
  }

  /** @param {-1 | 1} direction  In pages, or in pairs of pages if they are shown so. */
  turn(direction) {
    let number = this.current + direction;
    while (this.#isBesideCurrent(number)) number += direction;
    this.goTo(number);
    if (this.#list.contains(document.activeElement)) this.focus();
  }

  /** @param {number} screens  Down, or up if it is negative. */
  scroll(screens) {
    this.#container.scrollBy({top: screens * this.#container.clientHeight});
  }

  /** Puts the focus on the current page, so that a screen reader and Tab go on from there. */
  focus() {
    const page = this.#items[this.current - 1]?.element ?? this.#container;
    page.focus({preventScroll: true});
  }

  /**
   * Whether the browser itself scrolls the pages by this key, more smoothly than a script does.
   *
   * @param {KeyboardEvent} event
   */
  isScrolledBy({target, key}) {
    const isInside = this.#container.contains(/** @type {Node} */ (target));
    return isInside && ["ArrowUp", "ArrowDown", "PageUp", "PageDown"].includes(key);
  }

  get isWiderThanScreen() {
    return this.#container.scrollWidth > this.#container.clientWidth + 1;
  }

  /** @param {-1 | 0 | 1} direction  0 fits pages to the width, and gives text its usual size. */
  zoomBy(direction) {
    const {isText, textZoom, zoom} = this.view;
    const factor = ZOOM_STEP ** direction;
    if (isText) {
      const wanted = direction ? textZoom * factor : 1;
      this.change({textZoom: Math.max(SMALLEST_TEXT, Math.min(LARGEST_TEXT, wanted))});
    } else if (direction === 0) {
      this.change({fit: "width", zoom: 1});
    } else {
      this.change({zoom: Math.max(SMALLEST_ZOOM, Math.min(LARGEST_ZOOM, zoom * factor))});
    }
    this.dispatchEvent(new Event("zoomed"));
  }

  /** @param {Partial<import("./view-settings.js").ViewSettings>} changes */
  change(changes) {
    const wasText = this.view.isText;
    this.view = {...this.view, ...changes};
    rememberView(this.view);
    const place = this.#place();
    this.#applyView();
    if (this.view.isText !== wasText) {
      for (const item of this.#items) this.#unload(item);
      for (const item of this.#items) if (item.isNear) this.#load(item);
    }
    this.#resize();
    this.#restore(place);
    this.dispatchEvent(new Event("view"));
  }

  /** How wide pages are shown, as a share of the width that there is. */
  get widthShare() {
    const {width} = this.#pageSize();
    return width / this.#fullWidth;
  }

  /**
   * @param {Map<number, Box[][]>} hits  By page number.
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
    const hits = this.#hits.get(item.number) ?? [];
    item.mark(hits, page === item.number ? index : -1, this.#flowContext(item));
  }

  /**
   * @param {ReaderPage} item
   * @returns {import("./flow-element.js").FlowContext}
   */
  #flowContext({number}) {
    return {
      usualSize: this.#sizes.usual,
      leftOut: this.#runningLines.of(number),
      addressOf: this.#addressOf,
    };
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #updateNear(entries) {
    for (const {target, isIntersecting} of entries) {
      const number = Number(/** @type {HTMLElement} */ (target).dataset.page);
      const item = this.#items[number - 1];
      if (!item) continue;
      item.isNear = isIntersecting;
      if (isIntersecting) this.#load(item);
      // Text keeps its height, so that what is read does not move.
      else if (this.view.isText && item.content) this.queue.remove("image", number);
      else this.#unload(item);
    }
  }

  /** @param {ReaderPage} item */
  #unload(item) {
    for (const kind of /** @type {const} */ (["image", "text", "sharp"])) {
      this.queue.remove(kind, item.number);
    }
    item.unload();
  }

  /** @param {ReaderPage} item */
  #load(item) {
    const {isText} = this.view;
    const page = item.number;
    if (!isText || item.element.classList.contains("is-picture")) this.#loadImage(item);
    if (!this.#source?.isFinished || item.content) return;
    this.queue.add({kind: "text", page, run: (signal) => this.#loadText(item, signal)});
  }

  /** @param {ReaderPage} item */
  #loadImage(item) {
    if (!item.info) return;
    const page = item.number;
    const width = item.element.clientWidth * devicePixelRatio;
    const isFinished = this.#source?.isFinished;
    const urls = isFinished && !item.info.problem && !item.hasOneSize
      ? imageUrls(item.info, width, isNetworkSlow()) : {first: item.info.url, sharp: null};
    const {first, sharp} = urls;
    if (item.imageUrl !== first && item.imageUrl !== sharp) {
      this.queue.add({kind: "image", page, run: (signal) => this.#showImage(item, first, signal)});
    }
    if (sharp && item.imageUrl !== sharp) {
      this.queue.add({kind: "sharp", page, run: (signal) => this.#showImage(item, sharp, signal)});
    }
  }

  /**
   * @param {ReaderPage} item
   * @param {string} url
   * @param {AbortSignal} signal
   */
  async #showImage(item, url, signal) {
    try {
      await item.loadImage(url, signal);
      this.dispatchEvent(new Event("loaded"));
    } catch {
      if (signal.aborted) return;
      if (url === item.info?.url) {
        this.dispatchEvent(new Event("broken"));
      } else {
        item.hasOneSize = true;
        // Only after this load has ended, another one of this page can be added.
        setTimeout(() => { if (item.isNear) this.#loadImage(item); });
      }
    }
  }

  /**
   * @param {ReaderPage} item
   * @param {AbortSignal} signal
   */
  async #loadText(item, signal) {
    if (!this.#source) return;
    try {
      const content = await this.#source.content(item.number, signal);
      if (!item.isNear || item.content || signal.aborted) return;
      if (this.view.isText) {
        this.#addFlow(item, content);
      } else {
        item.addLayers(content, this.#addressOf);
      }
      this.#mark(item);
      this.#showMark(item);
    } catch (error) {
      if (signal.aborted) return;
      console.warn(`No text of page ${item.number}:`, error.message);
      if (error.isTransient) this.dispatchEvent(new Event("broken"));
    }
  }

  /**
   * Adds flowing text without moving what is being read.
   *
   * @param {ReaderPage} item
   * @param {import("./page-source.js").PageContent} content
   */
  #addFlow(item, content) {
    // Headings and running heads are told by comparison with other pages.
    const others = this.#items.filter((it) => it.isNear && it !== item);
    const looks = () => others.map((it) => {
      const {usualSize, leftOut} = this.#flowContext(it);
      return `${usualSize} ${leftOut.size}`;
    });
    const looksBefore = looks();
    this.#sizes.add(content.words);
    this.#runningLines.add(item.number, item.info?.label ?? "", content.words);
    const page = this.#items[this.current - 1].element;
    const before = page.offsetTop;
    item.addFlow(content, this.#flowContext(item));
    for (const [index, look] of looks().entries()) {
      if (look !== looksBefore[index]) this.#mark(others[index]);
    }
    this.#container.scrollTop += page.offsetTop - before;
    if (!content.words.length) this.#loadImage(item);
  }

  #applyView() {
    const {isText, isSpread, textZoom} = this.view;
    this.#container.classList.toggle("is-text", isText);
    this.#container.classList.toggle("is-spread", isSpread && !isText);
    this.#container.style.setProperty("--text-zoom", String(textZoom));
  }

  get #fullWidth() {
    return this.#container.clientWidth - 2 * MARGIN_PX;
  }

  /** The largest width and height of a page, in pixels. */
  #pageSize() {
    const {fit, zoom, isSpread} = this.view;
    const columns = isSpread ? 2 : 1;
    const full = (this.#fullWidth - (columns - 1) * MARGIN_PX) / columns;
    const width = fit === "comfortable" ? Math.min(COMFORTABLE_WIDTH_PX, full) : full;
    const height = fit === "page" ? this.#container.clientHeight - 2 * MARGIN_PX : 1e6;
    return {width: Math.round(width * zoom), height: Math.round(height * zoom)};
  }

  /** Fits the pages to the room and the zoom, and keeps the place that is being read in sight. */
  #resize() {
    if (this.#fullWidth <= 0) return;
    const {style} = this.#container;
    const {width, height} = this.#pageSize();
    const size = `${width}px ${height}px`;
    if (this.#container.dataset.size !== size) {
      const place = this.#place();
      this.#container.dataset.size = size;
      style.setProperty("--page-width", `${width}px`);
      style.setProperty("--page-height", `${height}px`);
      this.#restore(place);
      this.dispatchEvent(new Event("resized"));
    }
    for (const item of this.#items) {
      if (!item.isNear) continue;
      item.rescale();
      if (item.imageUrl) this.#loadImage(item);
    }
  }

  /**
   * Where the reader is: how far down the current page, and across all.
   *
   * @returns {Place}
   */
  #place() {
    const page = this.#items[this.current - 1]?.element;
    const {scrollTop, scrollLeft, clientWidth, scrollWidth} = this.#container;
    const down = page?.offsetHeight ? (scrollTop - page.offsetTop) / page.offsetHeight : 0;
    return {page, down, across: (scrollLeft + clientWidth / 2) / scrollWidth};
  }

  /** @param {Place} place */
  #restore({page, down, across}) {
    if (!page) return;
    this.#container.scrollTo({
      top: page.offsetTop + down * page.offsetHeight,
      left: across * this.#container.scrollWidth - this.#container.clientWidth / 2,
    });
  }

  #findCurrent() {
    const share = this.view.isText ? TEXT_READING_LINE : READING_LINE;
    const line = this.#container.scrollTop + this.#container.clientHeight * share;
    let [low, high] = [0, this.#items.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (this.#items[middle].element.offsetTop <= line) low = middle;
      else high = middle - 1;
    }
    if (this.#items.length && !this.#isBesideCurrent(low + 1)) this.#setCurrent(low + 1);
  }

  /** @param {number} number */
  #isBesideCurrent(number) {
    const [one, other] = [this.#items[number - 1], this.#items[this.current - 1]];
    return Boolean(one && other) && one.element.offsetTop === other.element.offsetTop;
  }

  /** @param {number} number */
  #setCurrent(number) {
    if (number === this.current) return;
    this.current = this.queue.current = number;
    this.dispatchEvent(new Event("page"));
  }
}
