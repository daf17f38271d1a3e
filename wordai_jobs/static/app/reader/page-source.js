/** The pages of a chapter that is finished, or of the job that is making one. */

const CHAPTER_IN_ADDRESS = /\/books\/([^/]+)\/chapters\/([^/]+)\/pages\//;

/**
 * @typedef {object} PageInfo
 * @property {string} url  Of the image; good for a day or two.
 * @property {number} width  Of the image, in pixels, as is the height.
 * @property {number} height
 */

export class PageSource {
  title = "";
  total = 0;
  /** @type {Map<number, PageInfo>} The pages that can be shown. */
  pages = new Map();
  bookId = "";
  chapterId = "";
  /** Whether the chapter is complete; only then there is text. */
  isFinished = false;
  /** @type {Map<number, Promise<{text: string, words: import("./lines.js").Word[]}>>} */
  #contents = new Map();

  /** @param {import("../shared/api.js").Api} api @param {AbortSignal} signal  Ends what is being read. */
  constructor(api, signal) {
    this.api = api;
    this.signal = signal;
  }

  /** @param {string} bookId @param {string} chapterId */
  async readChapter(bookId, chapterId) {
    [this.bookId, this.chapterId] = [bookId, chapterId];
    const chapter = await this.api.get(this.#path, this.signal);
    this.title = chapter.title;
    this.total = chapter.total_pages;
    this.#take(chapter.pages);
    this.isFinished = true;
  }

  /** The pages that a job has made so far. @param {string} jobId */
  async readJob(jobId) {
    const {total_pages: total, pages} = await this.api.get(
      `/api/v1/books/jobs/${encodeURIComponent(jobId)}/pages`, this.signal);
    this.total = total;
    this.#take(pages);
    const [, bookId, chapterId] = CHAPTER_IN_ADDRESS.exec(pages[0]?.background_url ?? "") ?? [];
    if (chapterId) [this.bookId, this.chapterId] = [bookId, chapterId];
  }

  /** Addresses that have expired, made anew. */
  async renew() {
    if (this.isFinished) await this.readChapter(this.bookId, this.chapterId);
  }

  /** Text and words of a page, read once. @param {number} number */
  content(number) {
    const known = this.#contents.get(number);
    if (known) return known;
    const reading = this.api.get(`${this.#path}/pages/${number}`, this.signal);
    this.#contents.set(number, reading);
    reading.catch(() => this.#contents.delete(number));
    return reading;
  }

  get #path() {
    return `/api/v1/books/${encodeURIComponent(this.bookId)}/chapters/${encodeURIComponent(this.chapterId)}`;
  }

  #take(pages) {
    for (const {page_number: number, background_url: url, width, height} of pages) {
      this.pages.set(number, {url, width, height});
    }
  }
}
