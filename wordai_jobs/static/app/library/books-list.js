/** The list of books, each with its chapters to read and to delete. */

import {announce} from "../shared/announcer.js";
import {confirm} from "../shared/confirm.js";
import {arrange, byId, find, fromTemplate, showText} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {formatRoute} from "../shared/router.js";

/**
 * @typedef {import("./books.js").Book} Book
 * @typedef {import("./books.js").Chapter} Chapter
 */

/** The newest books are open at first. The others read their chapters when they are opened. */
const OPEN_AT_FIRST = 3;

export class BooksList {
  /** @type {Map<string, HTMLDetailsElement>} By book. */
  #bookItems = new Map();
  /** @type {Map<string, HTMLElement>} By chapter. */
  #chapterItems = new Map();

  /** @param {import("./books.js").Books} books */
  constructor(books) {
    this.books = books;
    books.addEventListener("change", () => this.render());
  }

  async load() {
    await this.#attempt(() => this.books.load());
    for (const {book_id: bookId} of this.books.books.slice(0, OPEN_AT_FIRST)) this.#open(bookId);
  }

  /**
   * After a chapter has been created.
   *
   * @param {string | undefined} bookId  The chapter's book, if it is known.
   */
  async refresh(bookId) {
    await this.#attempt(() => this.books.refresh());
    if (bookId) this.#open(bookId);
  }

  render() {
    const {books} = this.books;
    arrange(byId("books"), books.map((book) => this.#renderBook(book)));
    byId("books-empty").hidden = books.length > 0;
  }

  /** @param {string} bookId */
  #open(bookId) {
    const item = this.#bookItems.get(bookId);
    if (item) item.open = true;
  }

  /** @param {Book} book */
  #renderBook({book_id: bookId, title}) {
    const item = this.#bookItems.get(bookId) ?? this.#createBook(bookId);
    const chapters = this.books.chapters.get(bookId);
    const size = chapters ? t("books.chapters", {count: chapters.length}) : "";
    showText(find(item, ".book-title"), title);
    showText(find(item, ".book-size"), size);
    find(item, ".empty").hidden = chapters?.length !== 0;
    arrange(find(item, ".chapters"), (chapters ?? []).map((it) => this.#renderChapter(it)));
    return item;
  }

  /** @param {string} bookId */
  #createBook(bookId) {
    const item = fromTemplate("book-template", HTMLDetailsElement);
    item.ontoggle = () => {
      if (!item.open || this.books.chapters.has(bookId)) return;
      this.#attempt(() => this.books.loadChapters(bookId));
    };
    this.#bookItems.set(bookId, item);
    return item;
  }

  /** @param {Chapter} chapter */
  #renderChapter(chapter) {
    const {book_id: bookId, chapter_id: chapterId, title} = chapter;
    const known = this.#chapterItems.get(chapterId);
    if (known) return known;
    const item = fromTemplate("chapter-template");
    const link = find(item, ".chapter-open", HTMLAnchorElement);
    const remove = find(item, ".chapter-delete");
    find(item, ".chapter-title").textContent = title;
    find(item, ".chapter-size").textContent = t("job.pagesTotal", {count: chapter.total_pages});
    link.href = formatRoute({view: "chapter", bookId, chapterId, page: 1});
    remove.setAttribute("aria-label", t("chapter.delete", {title}));
    remove.title = t("chapter.delete", {title});
    remove.onclick = () => this.#remove(chapter);
    this.#chapterItems.set(chapterId, item);
    return item;
  }

  /** @param {Chapter} chapter */
  async #remove(chapter) {
    if (!await confirm(t("chapter.deleteConfirm", {title: chapter.title}))) return;
    await this.#attempt(async () => {
      await this.books.removeChapter(chapter);
      announce(t("say.deleted", {title: chapter.title}));
      byId("books-title").focus();
    });
  }

  /** @param {() => Promise<void>} act */
  async #attempt(act) {
    try {
      await act();
      showText(byId("books-error"), "");
    } catch (error) {
      showText(byId("books-error"), error.message);
    }
  }
}
