/** The books, each with its chapters to read and to delete. */

import {announce} from "../shared/announcer.js";
import {confirm} from "../shared/confirm.js";
import {arrange, byId, fromTemplate, show} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {formatRoute} from "../shared/router.js";

/** Books that stand open at first; the others read their chapters when they are opened. */
const OPEN_AT_FIRST = 3;

export class BooksList {
  /** @type {Map<string, any>} */
  #items = new Map();
  /** @type {Map<string, any>} */
  #chapters = new Map();

  /** @param {import("./books.js").Books} books */
  constructor(books) {
    this.books = books;
    books.addEventListener("change", () => this.render());
  }

  async load() {
    await this.#attempt(() => this.books.load());
    for (const {book_id: id} of this.books.books.slice(0, OPEN_AT_FIRST)) this.#items.get(id).open = true;
  }

  render() {
    const {books} = this.books;
    arrange(byId("books"), books.map((book) => this.#book(book)));
    byId("books-empty").hidden = books.length > 0;
  }

  /** A chapter has come in. @param {string | undefined} bookId Its book, where that is known. */
  async refresh(bookId) {
    await this.#attempt(() => this.books.refresh());
    const item = this.#items.get(bookId ?? "");
    if (item) item.open = true;
  }

  #book(book) {
    const item = this.#items.get(book.book_id) ?? this.#newBook(book);
    this.#items.set(book.book_id, item);
    const chapters = this.books.chapters.get(book.book_id);
    show(item.querySelector(".book-title"), book.title);
    show(item.querySelector(".book-size"), chapters ? t("books.chapters", {count: chapters.length}) : "");
    item.querySelector(".empty").hidden = chapters?.length !== 0;
    arrange(item.querySelector(".chapters"), (chapters ?? []).map((chapter) => this.#chapter(chapter)));
    return item;
  }

  #newBook({book_id: id}) {
    const item = fromTemplate("book-template");
    item.ontoggle = () => {
      if (item.open && !this.books.chapters.has(id)) this.#attempt(() => this.books.loadChapters(id));
    };
    return item;
  }

  #chapter(chapter) {
    const known = this.#chapters.get(chapter.chapter_id);
    if (known) return known;
    const {book_id: bookId, chapter_id: chapterId, title} = chapter;
    const item = fromTemplate("chapter-template");
    item.querySelector(".chapter-title").textContent = title;
    item.querySelector(".chapter-open").href = formatRoute({view: "chapter", bookId, chapterId, page: 1});
    item.querySelector(".chapter-size").textContent = t("job.pagesTotal", {count: chapter.total_pages});
    const remove = item.querySelector(".chapter-delete");
    remove.setAttribute("aria-label", t("chapter.delete", {title}));
    remove.title = t("chapter.delete", {title});
    remove.onclick = () => this.#remove(chapter);
    this.#chapters.set(chapterId, item);
    return item;
  }

  async #remove(chapter) {
    if (!await confirm(t("chapter.deleteConfirm", {title: chapter.title}))) return;
    await this.#attempt(async () => {
      await this.books.removeChapter(chapter);
      announce(t("say.deleted", {title: chapter.title}));
      byId("books-title").focus();
    });
  }

  async #attempt(act) {
    try {
      await act();
      show(byId("books-error"), "");
    } catch (error) {
      show(byId("books-error"), error.message);
    }
  }
}
