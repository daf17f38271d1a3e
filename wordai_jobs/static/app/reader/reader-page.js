/** One page in the reader: room of the right shape at first, image and text once it comes near. */

import {element} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {marks, scaleLayer, textLayer} from "./text-layer.js";

const USUAL_SHAPE = {width: 1240, height: 1754};

export class ReaderPage {
  /** @type {import("./page-source.js").PageInfo | null} */
  info = null;
  isNear = false;
  /** @type {HTMLImageElement | null} */
  #image = null;
  /** @type {HTMLElement[]} */
  #layers = [];
  /** @type {HTMLElement | null} */
  #markLayer = null;

  /**
   * @param {number} number
   * @param {(page: ReaderPage) => void} onBroken  Its image cannot be had.
   */
  constructor(number, onBroken) {
    this.number = number;
    this.onBroken = onBroken;
    this.element = element("article", "page is-coming");
    this.element.dataset.page = String(number);
    this.element.setAttribute("aria-label", t("reader.page", {number}));
    this.element.append(element("span", "page-number figures", String(number)));
  }

  /** @param {import("./page-source.js").PageInfo | undefined} info @param {{width: number, height: number}} [shape] */
  describe(info, shape = USUAL_SHAPE) {
    const {width, height} = info ?? shape;
    this.element.style.aspectRatio = `${width} / ${height}`;
    this.info = info ?? null;
    this.element.classList.toggle("is-coming", !info);
  }

  /** Show the image; a page that has it keeps it unless its address is a new one. */
  load() {
    if (!this.info || this.#image?.getAttribute("src") === this.info.url) return;
    this.#image?.remove();
    const image = /** @type {HTMLImageElement} */ (element("img", "page-image"));
    image.alt = t("reader.page", {number: this.number});
    image.decoding = "async";
    image.draggable = false;
    image.onerror = () => this.#onError(image);
    image.src = this.info.url;
    this.#image = image;
    this.element.querySelector(".page-number").after(image);
  }

  #onError(image) {
    if (image !== this.#image) return;
    image.remove();
    this.#image = null;
    this.onBroken(this);
  }

  /** Let go of what takes memory; the browser's cache keeps the image. */
  unload() {
    this.#image?.remove();
    this.#image = null;
    for (const layer of this.#layers) layer.remove();
    this.#layers = [];
    this.#markLayer = null;
  }

  get hasText() {
    return this.#layers.some((layer) => layer.classList.contains("text-layer"));
  }

  /** @param {import("./lines.js").Word[]} words */
  addText(words) {
    if (!this.hasText && this.isNear) this.#addLayer(textLayer(words));
  }

  /** @param {import("./lines.js").Word[][]} hits @param {number} current  Which of them is looked at; -1 for none. */
  mark(hits, current) {
    this.#markLayer?.remove();
    this.#layers = this.#layers.filter((layer) => layer !== this.#markLayer);
    this.#markLayer = null;
    if (!hits.length || !this.isNear) return;
    this.#markLayer = element("div", "mark-layer");
    this.#markLayer.append(...hits.flatMap((words, index) => marks(words, index === current)));
    this.#addLayer(this.#markLayer);
  }

  /** Fit the layers to the size in which the page is shown. */
  rescale() {
    if (!this.info) return;
    for (const layer of this.#layers) scaleLayer(layer, this.element.clientWidth / this.info.width);
  }

  #addLayer(layer) {
    this.#layers.push(layer);
    this.element.append(layer);
    this.rescale();
  }
}
