/** The book that a chapter belongs to, and the chapters beside it. */

/** @typedef {{chapter_id: string, title: string, total_pages: number}} SiblingChapter */

export class BookContext {
  title = "";
  /** @type {SiblingChapter[]} In their order. */
  chapters = [];

  /**
   * @param {import("../shared/api.js").Api} api
   * @param {import("./page-source.js").PageSource} source
   */
  constructor(api, source) {
    this.api = api;
    this.source = source;
  }

  /** @param {AbortSignal} signal */
  async read(signal) {
    const path = `/api/v1/books/${encodeURIComponent(this.source.bookId)}`;
    const [book, {chapters}] = await Promise.all(
      [this.api.get(path, signal), this.api.get(`${path}/chapters`, signal)]);
    this.title = book.title;
    this.chapters = chapters;
  }

  /** @param {-1 | 1} direction */
  beside(direction) {
    const at = this.chapters.findIndex((it) => it.chapter_id === this.source.chapterId);
    return at < 0 ? undefined : this.chapters[at + direction];
  }
}
