/** The user's books, their chapters, and where the user has stopped reading. */

import {ApiError} from "../shared/api.js";
import {concurrently} from "../shared/concurrency.js";

/**
 * @typedef {{book_id: string, title: string}} Book
 *
 * @typedef {object} Chapter
 * @property {string} book_id
 * @property {string} chapter_id
 * @property {string} title
 * @property {number} order_index
 * @property {number} total_pages
 * @property {{page_number: number}} [position]  Where the user has stopped reading.
 *
 * @typedef {object} Reading  Where the user has stopped reading, as the service lists it.
 * @property {string} book_id
 * @property {string} book_title
 * @property {string} chapter_id
 * @property {string} chapter_title
 * @property {number} page_number
 * @property {number} total_pages
 */

const PATH = "/api/v1/books";
const AT_ONCE = 4;

/** Dispatches "change". */
export class Books extends EventTarget {
  /** @type {Book[]} Newest first. */
  books = [];
  /** @type {Map<string, Chapter[]>} By book, in their order; of the books that have been seen. */
  chapters = new Map();
  /** @type {Reading[]} The latest first. */
  reading = [];
  /** @type {Map<string, string>} URLs of images by chapter; empty while one is fetched. */
  #covers = new Map();
  /** @type {Set<string>} Books whose chapters are being read. */
  #loading = new Set();
  /** @type {Set<string>} Chapters that have been deleted, here or elsewhere. */
  #gone = new Set();
  /** @type {Set<string>} Chapters that have been created and not been seen yet. */
  #expected = new Set();
  isLoaded = false;

  /** @param {import("../shared/api.js").Api} api */
  constructor(api) {
    super();
    this.api = api;
  }

  async load() {
    const [{books}, reading] = await Promise.all([this.api.get(PATH), this.#readPositions()]);
    this.books = books;
    this.reading = reading;
    this.isLoaded = true;
    this.#changed();
  }

  /** @param {string} bookId */
  async loadChapters(bookId) {
    if (this.#loading.has(bookId)) return;
    this.#loading.add(bookId);
    try {
      const {chapters} = await this.api.get(`${pathOf(bookId)}/chapters`);
      this.#setChapters(bookId, chapters);
      for (const {chapter_id: chapterId} of chapters) this.#expected.delete(chapterId);
    } finally {
      this.#loading.delete(bookId);
    }
    this.#changed();
  }

  /** Reads the books, and the chapters of those that have been seen, again. */
  async refresh() {
    await this.load();
    const present = new Set(this.books.map(({book_id: bookId}) => bookId));
    for (const bookId of this.chapters.keys()) {
      if (!present.has(bookId)) this.#forget(bookId);
    }
    await concurrently([...this.chapters.keys()], AT_ONCE, (bookId) => this.loadChapters(bookId));
  }

  /**
   * @param {string} title
   * @returns {Promise<string>}  The new book's id.
   */
  async add(title) {
    const book = await this.api.post(PATH, {title});
    this.books = [book, ...this.books];
    this.chapters.set(book.book_id, []);
    this.#changed();
    return book.book_id;
  }

  /**
   * @param {Book} book
   * @param {string} title
   */
  async renameBook(book, title) {
    const renamed = await this.api.patch(pathOf(book.book_id), {title});
    this.books = this.books.map((it) => (it === book ? renamed : it));
    this.reading = this.reading.map(
      (it) => (it.book_id === book.book_id ? {...it, book_title: title} : it));
    this.#changed();
  }

  /** @param {Book} book */
  async removeBook(book) {
    await this.api.delete(pathOf(book.book_id));
    this.books = this.books.filter((it) => it !== book);
    this.#forget(book.book_id);
    this.reading = this.reading.filter((it) => it.book_id !== book.book_id);
    this.#changed();
  }

  /**
   * @param {Chapter} chapter
   * @param {string} title
   */
  async renameChapter(chapter, title) {
    await this.api.patch(pathOfChapter(chapter.book_id, chapter.chapter_id), {title});
    this.reading = this.reading.map(
      (it) => (it.chapter_id === chapter.chapter_id ? {...it, chapter_title: title} : it));
    await this.loadChapters(chapter.book_id);
  }

  /** @param {Chapter} chapter */
  async removeChapter(chapter) {
    const {book_id: bookId, chapter_id: chapterId} = chapter;
    await this.api.delete(pathOfChapter(bookId, chapterId));
    const remaining = this.#chaptersOf(bookId).filter((it) => it.chapter_id !== chapterId);
    this.#setChapters(bookId, remaining);
    this.reading = this.reading.filter((it) => it.chapter_id !== chapterId);
    this.#changed();
  }

  /**
   * Moves the chapter to another place in its book. The new order is shown at once; if the server
   * refuses it, the old one comes back.
   *
   * @param {Chapter} chapter
   * @param {number} place  From 0.
   */
  async moveChapter(chapter, place) {
    const {book_id: bookId} = chapter;
    const before = this.#chaptersOf(bookId);
    const others = before.filter((it) => it !== chapter);
    const order = others.toSpliced(place, 0, chapter);
    this.chapters.set(bookId, order.map((it, index) => ({...it, order_index: index})));
    this.#changed();
    const moved = [...order.entries()].filter(([index, it]) => it.order_index !== index);
    try {
      await concurrently(moved, AT_ONCE, ([index, it]) => (
        this.api.patch(pathOfChapter(bookId, it.chapter_id), {order_index: index})));
    } catch (error) {
      this.chapters.set(bookId, before);
      this.#changed();
      throw error;
    }
  }

  /** @param {string} bookId */
  title(bookId) {
    return this.books.find((it) => it.book_id === bookId)?.title ?? "";
  }

  /**
   * The chapter with this id, if its book has been seen.
   *
   * @param {string | undefined} chapterId
   */
  chapter(chapterId) {
    return [...this.chapters.values()].flat().find((it) => it.chapter_id === chapterId) ?? null;
  }

  /**
   * The chapter has just been created.
   *
   * @param {string} bookId
   * @param {string} chapterId
   */
  async expect(bookId, chapterId) {
    this.#expected.add(chapterId);
    await this.loadChapters(bookId);
  }

  /**
   * Whether the chapter is known to have been deleted: it is not among the chapters of its book.
   *
   * @param {string | undefined} bookId
   * @param {string | undefined} chapterId
   */
  isGone(bookId, chapterId) {
    if (chapterId && this.#gone.has(chapterId)) return true;
    if (!bookId || !chapterId || !this.isLoaded || this.#expected.has(chapterId)) return false;
    if (!this.books.some((it) => it.book_id === bookId)) return true;
    return this.chapters.has(bookId) && !this.chapter(chapterId);
  }

  /**
   * The small image of a chapter's first page. It is fetched when it is first asked for; until
   * then, and if there is none, the URL is empty.
   *
   * @param {string} bookId
   * @param {string} chapterId
   */
  coverOf(bookId, chapterId) {
    const known = this.#covers.get(chapterId);
    if (known === undefined) this.#fetchCover(bookId, chapterId);
    return known ?? "";
  }

  /**
   * @param {string} bookId
   * @param {string} chapterId
   */
  async #fetchCover(bookId, chapterId) {
    this.#covers.set(chapterId, "");
    try {
      const page = await this.api.get(`${pathOfChapter(bookId, chapterId)}/pages/1`);
      this.#covers.set(chapterId, page.thumbnail_url ?? page.background_url);
      this.#changed();
    } catch {
      // A book without a cover can be read.
    }
  }

  /** @returns {Promise<Reading[]>} */
  async #readPositions() {
    try {
      return (await this.api.get("/api/v1/reading")).positions;
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }

  /**
   * @param {string} bookId
   * @param {Chapter[]} chapters
   */
  #setChapters(bookId, chapters) {
    const present = new Set(chapters.map(({chapter_id: chapterId}) => chapterId));
    for (const {chapter_id: chapterId} of this.#chaptersOf(bookId)) {
      if (!present.has(chapterId)) this.#gone.add(chapterId);
    }
    this.chapters.set(bookId, chapters);
  }

  /** @param {string} bookId  Of a book that no longer exists. */
  #forget(bookId) {
    this.#setChapters(bookId, []);
    this.chapters.delete(bookId);
  }

  /** @param {string} bookId */
  #chaptersOf(bookId) {
    return this.chapters.get(bookId) ?? [];
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** @param {string} bookId */
function pathOf(bookId) {
  return `${PATH}/${encodeURIComponent(bookId)}`;
}

/**
 * @param {string} bookId
 * @param {string} chapterId
 */
export function pathOfChapter(bookId, chapterId) {
  return `${pathOf(bookId)}/chapters/${encodeURIComponent(chapterId)}`;
}
