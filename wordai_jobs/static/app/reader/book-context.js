/** The book that a chapter belongs to, and the chapters beside it. */

/**
 * @typedef {{chapter_id: string, title: string, total_pages: number}} SiblingChapter
 * @typedef {import("../shared/api.js").Api} Api
 */

export class BookContext {
  title = "";
  /** @type {SiblingChapter[]} In their order. */
  chapters = [];

  /**
   * @param {Api} api
   * @param {import("./page-source.js").PageSource} source
   */
  constructor(api, source) {
    this.api = api;
    this.source = source;
  }

  /** @param {AbortSignal} signal */
  async read(signal) {
    const {title, chapters} = await readBook(this.api, this.source.bookId, signal);
    this.title = title;
    this.chapters = chapters;
  }

  /** @param {-1 | 1} direction */
  beside(direction) {
    const at = this.chapters.findIndex((it) => it.chapter_id === this.source.chapterId);
    return at < 0 ? undefined : this.chapters[at + direction];
  }
}

/**
 * @param {Api} api
 * @param {string} bookId
 * @param {AbortSignal} signal
 * @returns {Promise<{title: string, chapters: SiblingChapter[]}>}
 */
export async function readBook(api, bookId, signal) {
  const path = `/api/v1/books/${encodeURIComponent(bookId)}`;
  const [{title}, {chapters}] = await Promise.all(
    [api.get(path, signal), api.get(`${path}/chapters`, signal)]);
  return {title, chapters};
}
