/** One page in the reader: an empty sheet of the right shape, and the image once it comes near. */

import {element, find} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {marks, scaleLayer, textLayer} from "./text-layer.js";

/**
 * @typedef {import("./lines.js").Word} Word
 * @typedef {import("./page-source.js").PageInfo} PageInfo
 */

/** A4 at 150 dpi, for pages of which nothing is known yet. */
const USUAL_SHAPE = {width: 1240, height: 1754};

export class ReaderPage {
  /** @type {PageInfo | null} null until the page can be shown. */
  info = null;
  /** Whether the page is in sight or close to it. */
  isNear = false;
  /** @type {HTMLImageElement | null} */
  #image = null;
  /** @type {HTMLElement | null} */
  #textLayer = null;
  /** @type {HTMLElement | null} */
  #markLayer = null;

  /**
   * @param {number} number
   * @param {() => void} onBroken  Called when the image cannot be loaded.
   */
  constructor(number, onBroken) {
    this.number = number;
    this.onBroken = onBroken;
    this.element = element("article", "page is-coming");
    this.element.dataset.page = String(number);
    this.element.setAttribute("aria-label", t("reader.page", {number}));
    this.element.append(element("span", "page-number figures", String(number)));
  }

  /**
   * @param {PageInfo | undefined} info
   * @param {{width: number, height: number}} [shape]  If there is no information yet.
   */
  describe(info, shape = USUAL_SHAPE) {
    const {width, height} = info ?? shape;
    this.element.style.aspectRatio = `${width} / ${height}`;
    this.info = info ?? null;
    this.element.classList.toggle("is-coming", !info);
  }

  /** Shows the image. An image that is already shown stays, unless its URL has changed. */
  load() {
    if (!this.info || this.#image?.getAttribute("src") === this.info.url) return;
    this.#image?.remove();
    const image = element("img", "page-image");
    image.alt = t("reader.page", {number: this.number});
    image.decoding = "async";
    image.draggable = false;
    image.onerror = () => {
      if (image !== this.#image) return;
      image.remove();
      this.#image = null;
      this.onBroken();
    };
    image.src = this.info.url;
    this.#image = image;
    find(this.element, ".page-number").after(image);
  }

  /** Removes what takes memory. The image stays in the browser's cache. */
  unload() {
    this.#image?.remove();
    this.#image = null;
    this.#textLayer?.remove();
    this.#textLayer = null;
    this.#markLayer?.remove();
    this.#markLayer = null;
  }

  get hasText() {
    return this.#textLayer !== null;
  }

  /** @param {Word[]} words */
  addText(words) {
    if (this.hasText || !this.isNear) return;
    this.#textLayer = textLayer(words);
    this.element.append(this.#textLayer);
    this.rescale();
  }

  /**
   * @param {Word[][]} hits
   * @param {number} current  The index of the chosen hit; -1 for none.
   */
  mark(hits, current) {
    this.#markLayer?.remove();
    this.#markLayer = null;
    if (!hits.length || !this.isNear) return;
    this.#markLayer = element("div", "mark-layer");
    this.#markLayer.append(...hits.flatMap((words, index) => marks(words, index === current)));
    this.element.append(this.#markLayer);
    this.rescale();
  }

  /** Fits the layers to the size in which the page is shown. */
  rescale() {
    if (!this.info) return;
    const scale = this.element.clientWidth / this.info.width;
    for (const layer of [this.#textLayer, this.#markLayer]) if (layer) scaleLayer(layer, scale);
  }
}
