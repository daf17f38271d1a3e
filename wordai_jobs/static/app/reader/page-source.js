/** Reads the pages of a finished chapter, or of the job that is creating one. */

/** Images are addressed below the chapter, so a job's images tell its chapter. */
const CHAPTER_IN_URL = /\/books\/([^/]+)\/chapters\/([^/]+)\/pages\//;

/**
 * @typedef {object} PageInfo
 * @property {string} url  Of the image; it expires after a day or two.
 * @property {number} width  Of the image, in pixels.
 * @property {number} height
 * @property {string} [problem]  Why the page could not be rendered and is blank.
 */

/** @typedef {{text: string, words: import("./lines.js").Word[]}} PageContent */

/**
 * @typedef {object} ListedPage  As the service sends it.
 * @property {number} page_number
 * @property {string} background_url
 * @property {number} width
 * @property {number} height
 * @property {string} [problem]
 */

export class PageSource {
  title = "";
  total = 0;
  /** @type {Map<number, PageInfo>} By page number, the pages that can be shown. */
  pages = new Map();
  bookId = "";
  chapterId = "";
  /** Whether the chapter is complete; only then there is text. */
  isFinished = false;
  /** @type {Map<number, Promise<PageContent>>} By page number. */
  #contents = new Map();

  /**
   * @param {import("../shared/api.js").Api} api
   * @param {AbortSignal} signal  Ends all reading.
   */
  constructor(api, signal) {
    this.api = api;
    this.signal = signal;
  }

  /**
   * @param {string} bookId
   * @param {string} chapterId
   */
  async readChapter(bookId, chapterId) {
    this.bookId = bookId;
    this.chapterId = chapterId;
    const chapter = await this.api.get(this.#path, this.signal);
    this.title = chapter.title;
    this.total = chapter.total_pages;
    this.#addPages(chapter.pages);
    this.isFinished = true;
  }

  /**
   * The pages that a job has created so far.
   *
   * @param {string} jobId
   */
  async readJob(jobId) {
    const path = `/api/v1/books/jobs/${encodeURIComponent(jobId)}/pages`;
    const {total_pages: total, pages} = await this.api.get(path, this.signal);
    this.total = total;
    this.#addPages(pages);
    const [, bookId, chapterId] = CHAPTER_IN_URL.exec(pages[0]?.background_url ?? "") ?? [];
    if (chapterId) {
      this.bookId = bookId;
      this.chapterId = chapterId;
    }
  }

  /** Gets new URLs for images whose URLs have expired. */
  async renew() {
    if (this.isFinished) await this.readChapter(this.bookId, this.chapterId);
  }

  /**
   * Text and words of a page, read once.
   *
   * @param {number} number
   */
  content(number) {
    const known = this.#contents.get(number);
    if (known) return known;
    /** @type {Promise<PageContent>} */
    const reading = this.api.get(`${this.#path}/pages/${number}`, this.signal);
    this.#contents.set(number, reading);
    reading.catch(() => this.#contents.delete(number));
    return reading;
  }

  /** The pages that could not be rendered, with the reasons, in their order. */
  get badPages() {
    return [...this.pages]
      .flatMap(([number, {problem}]) => (problem ? [{number, problem}] : []))
      .sort((one, other) => one.number - other.number);
  }

  get #path() {
    const [book, chapter] = [this.bookId, this.chapterId].map(encodeURIComponent);
    return `/api/v1/books/${book}/chapters/${chapter}`;
  }

  /** @param {ListedPage[]} pages */
  #addPages(pages) {
    for (const {page_number: number, background_url: url, width, height, problem} of pages) {
      this.pages.set(number, {url, width, height, problem});
    }
  }
}
