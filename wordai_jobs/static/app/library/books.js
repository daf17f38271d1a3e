/** The user's books and their chapters. Tells "change". */

const PATH = "/api/v1/books";

export class Books extends EventTarget {
  /** @type {{book_id: string, title: string}[]} Newest first. */
  books = [];
  /** @type {Map<string, any[]>} Chapters by book, of the books that were opened. */
  chapters = new Map();

  /** @param {import("../shared/api.js").Api} api */
  constructor(api) {
    super();
    this.api = api;
  }

  async load() {
    this.books = (await this.api.get(PATH)).books;
    this.#tell();
  }

  /** @param {string} bookId */
  async loadChapters(bookId) {
    const {chapters} = await this.api.get(`${PATH}/${encodeURIComponent(bookId)}/chapters`);
    this.chapters.set(bookId, chapters);
    this.#tell();
  }

  /** Chapters have come or gone: read those of the opened books again. */
  async refresh() {
    await this.load();
    await Promise.all([...this.chapters.keys()].map((bookId) => this.loadChapters(bookId)));
  }

  /** @param {string} title @returns {Promise<string>} The new book's id. */
  async add(title) {
    const book = await this.api.post(PATH, {title});
    this.books = [book, ...this.books];
    this.#tell();
    return book.book_id;
  }

  /** @param {{book_id: string, chapter_id: string}} chapter */
  async removeChapter({book_id: bookId, chapter_id: chapterId}) {
    await this.api.delete(`${PATH}/${encodeURIComponent(bookId)}/chapters/${encodeURIComponent(chapterId)}`);
    this.chapters.set(bookId, this.chapters.get(bookId)?.filter((it) => it.chapter_id !== chapterId) ?? []);
    this.#tell();
  }

  /** The chapter with this id, where its book was opened. @param {string | undefined} chapterId */
  chapter(chapterId) {
    return [...this.chapters.values()].flat().find((it) => it.chapter_id === chapterId) ?? null;
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }
}
