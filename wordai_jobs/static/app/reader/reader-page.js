/** One page in the reader: an empty sheet of the right shape, and what it shows once it is near. */

import {element} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {flowElement} from "./flow-element.js";
import {linkLayer} from "./link-layer.js";
import {marks, scaleLayer, textLayer} from "./text-layer.js";

/**
 * @typedef {import("./page-source.js").PageInfo} PageInfo
 * @typedef {import("./page-source.js").PageContent} PageContent
 * @typedef {import("./flow-element.js").FlowContext} FlowContext
 * @typedef {import("./text-layer.js").Box} Box
 */

/** A4 at 150 dpi, for pages of which nothing is known yet. */
const USUAL_SHAPE = {width: 1240, height: 1754};

export class ReaderPage {
  /** @type {PageInfo | null} null until the page can be shown. */
  info = null;
  /** Whether the page is in sight or close to it. */
  isNear = false;
  /** Whether no other image than the stored one can be loaded. */
  hasOneSize = false;
  /** @type {PageContent | null} What is shown of it. */
  content = null;
  /** @type {HTMLImageElement | null} */
  #image = null;
  /** @type {HTMLElement[]} Over the image. */
  #layers = [];
  /** @type {HTMLElement | null} */
  #markLayer = null;
  /** @type {HTMLElement | null} */
  #flow = null;
  #number = element("span", "page-number figures");

  /** @param {number} number */
  constructor(number) {
    this.number = number;
    this.element = element("article", "page is-coming is-loading");
    this.element.dataset.page = String(number);
    this.element.tabIndex = -1;
    this.#number.setAttribute("aria-hidden", "true"); // the article's label says it
    this.element.append(this.#number);
  }

  /**
   * @param {PageInfo | undefined} info
   * @param {{width: number, height: number}} [shape]  If there is no information yet.
   */
  describe(info, shape = USUAL_SHAPE) {
    const {width, height} = info ?? shape;
    this.element.style.setProperty("--ratio", String(width / height));
    this.info = info ?? null;
    this.element.classList.toggle("is-coming", !info);
    this.element.setAttribute("aria-label", pageName(this.number, info?.label));
    this.#number.textContent = pageName(this.number, info?.label);
  }

  /** The URL of the image that is shown; empty if there is none. */
  get imageUrl() {
    return this.#image?.getAttribute("src") ?? "";
  }

  /**
   * Shows the image as it comes. An image that is shown already stays until the new one is there.
   *
   * @param {string} url
   * @param {AbortSignal} signal
   * @returns {Promise<void>}  Rejects if the image cannot be loaded or is no longer wanted.
   */
  loadImage(url, signal) {
    const image = element("img", "page-image");
    image.alt = ""; // its text is in the text layer
    image.decoding = "async";
    image.draggable = false;
    const former = this.#image;
    if (former) former.after(image);
    else this.#number.after(image);
    return new Promise((resolve, reject) => {
      const fail = () => {
        image.removeAttribute("src"); // which ends its request
        image.remove();
        reject(new Error(`No image of page ${this.number}`));
      };
      image.onload = () => {
        signal.removeEventListener("abort", fail);
        former?.remove();
        this.#image = image;
        this.element.classList.remove("is-loading");
        resolve();
      };
      image.onerror = fail;
      signal.addEventListener("abort", fail, {once: true});
      image.src = url;
    });
  }

  /** Removes what takes memory. The image stays in the browser's cache. */
  unload() {
    for (const item of [this.#image, this.#markLayer, this.#flow, ...this.#layers]) item?.remove();
    this.#image = this.#markLayer = this.#flow = this.content = null;
    this.#layers = [];
    this.element.classList.remove("is-picture");
    this.element.classList.add("is-loading");
  }

  /**
   * Text and links over the image.
   *
   * @param {PageContent} content
   * @param {(page: number) => string} addressOf
   */
  addLayers(content, addressOf) {
    this.content = content;
    this.#layers = [textLayer(content.words), linkLayer(content, addressOf)];
    if (!content.words.length) {
      this.#layers.push(element("p", "visually-hidden", t("reader.noText")));
    }
    this.element.append(...this.#layers);
    this.rescale();
  }

  /**
   * Flowing text in place of the image. A page without text shows its image.
   *
   * @param {PageContent} content
   * @param {FlowContext} context
   */
  addFlow(content, context) {
    this.content = content;
    this.element.classList.toggle("is-picture", !content.words.length);
    this.#showFlow(content, context, []);
    if (content.words.length) this.element.classList.remove("is-loading");
  }

  /**
   * @param {Box[][]} hits
   * @param {number} current  The index of the chosen hit; -1 for none.
   * @param {FlowContext} context
   */
  mark(hits, current, context) {
    this.#markLayer?.remove();
    this.#markLayer = null;
    if (this.#flow && this.content) {
      this.#showFlow(this.content, context, hits);
    } else if (hits.length && this.isNear) {
      this.#markLayer = element("div", "mark-layer");
      this.#markLayer.append(...hits.flatMap((boxes, index) => marks(boxes, index === current)));
      this.element.append(this.#markLayer);
      this.rescale();
    }
  }

  /** Fits the layers to the size in which the page is shown. */
  rescale() {
    if (!this.info) return;
    const scale = this.element.clientWidth / this.info.width;
    for (const layer of [this.#markLayer, ...this.#layers]) if (layer) scaleLayer(layer, scale);
  }

  /**
   * @param {PageContent} content
   * @param {FlowContext} context
   * @param {Box[][]} hits
   */
  #showFlow(content, context, hits) {
    const created = flowElement(content, context, hits);
    if (this.#flow) this.#flow.replaceWith(created);
    else this.element.append(created);
    this.#flow = created;
  }
}

/**
 * @param {number} number
 * @param {string | null} [label]  As printed.
 */
export function pageName(number, label) {
  return label && label !== String(number)
    ? t("reader.pageLabel", {label, number}) : t("reader.page", {number});
}
