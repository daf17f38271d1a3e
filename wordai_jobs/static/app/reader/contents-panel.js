/** The panel beside the pages: the book's chapters and sections, or small images of pages. */

import {byId, element} from "../shared/dom.js";
import {formatRoute} from "../shared/router.js";
import {pageName} from "./reader-page.js";

/**
 * @typedef {import("./page-source.js").PageSource} PageSource
 * @typedef {import("./book-context.js").BookContext} BookContext
 */

/** Where a panel covers the pages, it closes once something has been chosen. */
const NARROW = "(max-width: 44rem)";

/** Dispatches "open". */
export class ContentsPanel extends EventTarget {
  #panel = byId("contents");
  #openButton = byId("contents-open");
  #outlineTab = byId("contents-outline-tab");
  #thumbnailsTab = byId("contents-thumbnails-tab");
  #outline = byId("outline");
  #thumbnails = byId("thumbnails");
  /** @type {PageSource | null} */
  #source = null;
  /** @type {BookContext | null} */
  #book = null;
  #showsThumbnails = false;
  /** @type {HTMLAnchorElement[]} By page. */
  #pageLinks = [];
  /** @type {{page: number, link: HTMLAnchorElement}[]} */
  #sections = [];
  #observer = new IntersectionObserver((entries) => this.#load(entries), {root: this.#thumbnails});

  /** @param {import("./reader-pages.js").ReaderPages} pages */
  constructor(pages) {
    super();
    this.pages = pages;
    this.#openButton.onclick = () => (this.isOpen ? this.close() : this.open());
    byId("contents-close").onclick = () => this.close();
    this.#outlineTab.onclick = () => this.#choose(false);
    this.#thumbnailsTab.onclick = () => this.#choose(true);
    this.#panel.onclick = ({target}) => {
      const isLink = target instanceof Element && target.closest("a");
      if (isLink && isScreenNarrow()) this.close();
    };
    pages.addEventListener("page", () => this.#renderPlace());
  }

  get isOpen() {
    return !this.#panel.hidden;
  }

  /**
   * @param {PageSource} source
   * @param {BookContext} book
   */
  use(source, book) {
    this.#source = source;
    this.#book = book;
    if (isScreenNarrow()) this.hide();
    this.render();
  }

  open() {
    this.#show(true);
    this.dispatchEvent(new Event("open"));
    this.render();
    (this.#showsThumbnails ? this.#thumbnailsTab : this.#outlineTab).focus();
  }

  close() {
    this.hide();
    this.#openButton.focus();
  }

  hide() {
    this.#show(false);
  }

  /** After the chapter or the book has been read. */
  render() {
    if (!this.isOpen || !this.#source) return;
    this.#outlineTab.setAttribute("aria-pressed", String(!this.#showsThumbnails));
    this.#thumbnailsTab.setAttribute("aria-pressed", String(this.#showsThumbnails));
    this.#outline.hidden = this.#showsThumbnails;
    this.#thumbnails.hidden = !this.#showsThumbnails;
    if (this.#showsThumbnails) this.#renderThumbnails(this.#source);
    else this.#renderOutline(this.#source);
    this.#renderPlace("center");
  }

  /** @param {boolean} isOpen */
  #show(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#openButton.setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) this.#forgetThumbnails();
  }

  /** @param {boolean} showsThumbnails */
  #choose(showsThumbnails) {
    this.#showsThumbnails = showsThumbnails;
    this.render();
  }

  /** @param {PageSource} source */
  #renderOutline(source) {
    const {bookId, chapterId, outline} = source;
    const siblings = this.#book?.chapters ?? [];
    const chapters = siblings.length
      ? siblings : [{chapter_id: chapterId, title: source.title, total_pages: source.total}];
    const isPart = chapters.length > 1;
    this.#sections = [];
    this.#outline.replaceChildren(...chapters.flatMap(({chapter_id: id, title}) => {
      const isCurrent = id === chapterId;
      const chapter = outlineItem(title, addressOf(bookId, id, isCurrent ? 1 : undefined), 0);
      chapter.classList.toggle("is-chapter", isPart || outline.length === 0);
      if (!isCurrent) return [chapter];
      chapter.hidden = !isPart && outline.length > 0;
      if (!chapter.hidden) this.#sections.push({page: 1, link: linkOf(chapter)});
      // The PDF often has the chapter's own title in its outline.
      const entries = outline.filter((entry) => (
        !isPart || entry.page_number > 1 || entry.title.trim() !== title));
      const highest = Math.min(...entries.map(({level}) => level));
      return [chapter, ...entries.map(({title: name, level, page_number: page}) => {
        const item = outlineItem(name, addressOf(bookId, id, page), level - highest + 1, {
          shown: source.pages.get(page)?.label ?? String(page),
          name: pageName(page, source.pages.get(page)?.label),
        });
        this.#sections.push({page, link: linkOf(item)});
        return item;
      })];
    }));
  }

  /** @param {PageSource} source */
  #renderThumbnails(source) {
    if (this.#pageLinks.length === source.total && this.#thumbnails.firstChild) return;
    this.#forgetThumbnails();
    this.#pageLinks = Array.from({length: source.total}, (_, index) => {
      const page = index + 1;
      const info = source.pages.get(page);
      const link = element("a", "thumbnail");
      link.href = addressOf(source.bookId, source.chapterId, page);
      link.dataset.page = String(page);
      link.setAttribute("aria-label", pageName(page, info?.label));
      const frame = element("span", "thumbnail-frame");
      frame.style.aspectRatio = info ? `${info.width} / ${info.height}` : "1 / 1.414";
      const label = element("span", "thumbnail-label figures", info?.label ?? String(page));
      label.setAttribute("aria-hidden", "true");
      link.append(frame, label);
      this.#observer.observe(link);
      return link;
    });
    this.#thumbnails.replaceChildren(...this.#pageLinks.map((link) => {
      const item = element("li");
      item.append(link);
      return item;
    }));
  }

  #forgetThumbnails() {
    this.#observer.disconnect();
    for (const link of this.#pageLinks) this.pages.queue.remove("thumbnail", pageOf(link));
    this.#pageLinks = [];
    this.#thumbnails.replaceChildren();
  }

  /** @param {IntersectionObserverEntry[]} entries */
  #load(entries) {
    for (const {target, isIntersecting} of entries) {
      const link = /** @type {HTMLElement} */ (target);
      const page = pageOf(link);
      const url = this.#source?.pages.get(page)?.thumbnail;
      if (!isIntersecting) this.pages.queue.remove("thumbnail", page);
      else if (url && !link.querySelector("img")) {
        this.pages.queue.add({kind: "thumbnail", page, run: (signal) => show(link, url, signal)});
      }
    }
  }

  /** @param {ScrollLogicalPosition} [block]  Where the current entry comes into sight. */
  #renderPlace(block = "nearest") {
    if (!this.isOpen) return;
    const {current} = this.pages;
    const section = this.#sections.findLast(({page}) => page <= current) ?? this.#sections[0];
    const links = this.#showsThumbnails ? this.#pageLinks : this.#sections.map(({link}) => link);
    const chosen = this.#showsThumbnails ? this.#pageLinks[current - 1] : section?.link;
    for (const link of links) if (link !== chosen) link.removeAttribute("aria-current");
    chosen?.setAttribute("aria-current", "true");
    if (!this.#outline.contains(document.activeElement)
      && !this.#thumbnails.contains(document.activeElement)) {
      chosen?.scrollIntoView({block});
    }
  }
}

/** Whether there is room for no more than one panel. */
export function isScreenNarrow() {
  return matchMedia(NARROW).matches;
}

/**
 * @param {string} title
 * @param {string} address
 * @param {number} level
 * @param {{shown: string, name: string}} [page]  The number of its page, and how that is read.
 */
function outlineItem(title, address, level, page) {
  const item = element("li");
  const link = element("a", "outline-link");
  link.href = address;
  link.style.setProperty("--level", String(level));
  link.append(element("span", "outline-title", title));
  if (page) {
    const number = element("span", "outline-page figures", page.shown);
    number.setAttribute("aria-label", page.name);
    link.append(number);
  }
  item.append(link);
  return item;
}

/** @param {HTMLElement} item */
function linkOf(item) {
  return /** @type {HTMLAnchorElement} */ (item.firstElementChild);
}

/** @param {HTMLElement} link */
function pageOf(link) {
  return Number(link.dataset.page);
}

/**
 * @param {string} bookId
 * @param {string} chapterId
 * @param {number} [page]
 */
function addressOf(bookId, chapterId, page) {
  return formatRoute({view: "chapter", bookId, chapterId, page});
}

/**
 * @param {HTMLElement} link
 * @param {string} url
 * @param {AbortSignal} signal
 * @returns {Promise<void>}  When the image is there, or will not come.
 */
function show(link, url, signal) {
  const image = element("img");
  image.alt = "";
  link.querySelector(".thumbnail-frame")?.append(image);
  return new Promise((resolve) => {
    const giveUp = () => {
      image.removeAttribute("src");
      image.remove();
      resolve();
    };
    image.onload = () => {
      signal.removeEventListener("abort", giveUp);
      resolve();
    };
    image.onerror = giveUp;
    signal.addEventListener("abort", giveUp, {once: true});
    image.src = url;
  });
}
