/** The user's books and their chapters. */

/**
 * @typedef {{book_id: string, title: string}} Book
 * @typedef {{book_id: string, chapter_id: string, title: string, total_pages: number}} Chapter
 */

const PATH = "/api/v1/books";

/** Dispatches "change". */
export class Books extends EventTarget {
  /** @type {Book[]} Newest first. */
  books = [];
  /** @type {Map<string, Chapter[]>} By book, of the books that have been opened. */
  chapters = new Map();

  /** @param {import("../shared/api.js").Api} api */
  constructor(api) {
    super();
    this.api = api;
  }

  async load() {
    this.books = (await this.api.get(PATH)).books;
    this.#changed();
  }

  /** @param {string} bookId */
  async loadChapters(bookId) {
    const {chapters} = await this.api.get(`${PATH}/${encodeURIComponent(bookId)}/chapters`);
    this.chapters.set(bookId, chapters);
    this.#changed();
  }

  /** Reads the books, and the chapters of those that have been opened, again. */
  async refresh() {
    await this.load();
    await Promise.all([...this.chapters.keys()].map((bookId) => this.loadChapters(bookId)));
  }

  /**
   * @param {string} title
   * @returns {Promise<string>}  The new book's id.
   */
  async add(title) {
    const book = await this.api.post(PATH, {title});
    this.books = [book, ...this.books];
    this.#changed();
    return book.book_id;
  }

  /** @param {Chapter} chapter */
  async removeChapter({book_id: bookId, chapter_id: chapterId}) {
    const [book, chapter] = [bookId, chapterId].map(encodeURIComponent);
    await this.api.delete(`${PATH}/${book}/chapters/${chapter}`);
    const chapters = this.chapters.get(bookId) ?? [];
    this.chapters.set(bookId, chapters.filter((it) => it.chapter_id !== chapterId));
    this.#changed();
  }

  /**
   * The chapter with this id, if its book has been opened.
   *
   * @param {string | undefined} chapterId
   */
  chapter(chapterId) {
    return [...this.chapters.values()].flat().find((it) => it.chapter_id === chapterId) ?? null;
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
