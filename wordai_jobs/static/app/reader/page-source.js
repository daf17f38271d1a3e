/** Reads the pages of a finished chapter, or of the job that is creating one. */

/** Images are addressed below the chapter, so a job's images tell its chapter. */
const CHAPTER_IN_URL = /\/books\/([^/]+)\/chapters\/([^/]+)\/pages\//;

/**
 * @typedef {object} PageInfo
 * @property {string} url  Of the image; it expires after a day or two.
 * @property {number} width  Of the image, in pixels.
 * @property {number} height
 * @property {string} [problem]  Why the page could not be rendered and is blank.
 * @property {string | null} [label]  The page's number as printed, such as "iv".
 * @property {string} [thumbnail]  The URL of a small image.
 */

/**
 * @typedef {{rect: number[], page_number?: number, url?: string}} PageLink  `rect` in pixels of the
 *   image.
 * @typedef {{text: string, words: import("./lines.js").Word[], links?: PageLink[]}} PageContent
 * @typedef {{title: string, level: number, page_number: number}} OutlineEntry  Levels from 1.
 */

/**
 * @typedef {object} ListedPage  As the service sends it.
 * @property {number} page_number
 * @property {string} background_url
 * @property {number} width
 * @property {number} height
 * @property {string} [problem]
 * @property {string | null} [label]
 * @property {string} [thumbnail_url]
 */

export class PageSource {
  title = "";
  total = 0;
  /** @type {Map<number, PageInfo>} By page number, the pages that can be shown. */
  pages = new Map();
  /** @type {OutlineEntry[]} */
  outline = [];
  bookId = "";
  chapterId = "";
  /** Of the PDF that the chapter was made from. */
  fileId = "";
  /** @type {number | undefined} Where the user stopped reading, as far as the server knows. */
  position;
  /** Whether the chapter is complete; only then there is text. */
  isFinished = false;
  /** @type {Map<number, PageContent>} By page number. */
  #contents = new Map();
  /** @type {number | undefined} */
  #pictures;
  /** @type {{filename: string, page_count: number} | undefined} */
  #file;

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
    const chapter = await this.api.get(this.path, this.signal, 1);
    this.title = chapter.title;
    this.total = chapter.total_pages;
    this.outline = chapter.outline ?? [];
    this.fileId = chapter.file_id ?? "";
    this.position = chapter.position?.page_number;
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
    const {total_pages: total, pages} = await this.api.get(path, this.signal, 1);
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
   * Text, words and links of a page, read once.
   *
   * @param {number} number
   * @param {AbortSignal} signal
   */
  async content(number, signal) {
    const known = this.#contents.get(number);
    if (known) return known;
    /** @type {PageContent} */
    const content = await this.api.get(`${this.path}/pages/${number}`, signal, 1);
    this.#contents.set(number, content);
    return content;
  }

  /**
   * How many pages have no text, which a search cannot find.
   *
   * @param {AbortSignal} signal
   * @returns {Promise<number>}
   */
  async countPictures(signal) {
    this.#pictures ??= (await this.api.get(`${this.path}/text`, signal)).pages
      .filter((/** @type {{text: string}} */ {text}) => !text.trim()).length;
    return this.#pictures ?? 0;
  }

  /**
   * What the server knows of the PDF, read once.
   *
   * @returns {Promise<{filename: string, page_count: number}>}
   */
  async readFile() {
    const path = `/api/v1/files/${encodeURIComponent(this.fileId)}`;
    this.#file ??= await this.api.get(path, this.signal, 1);
    return /** @type {{filename: string, page_count: number}} */ (this.#file);
  }

  /**
   * @param {string} name  The page's number in the chapter, or else as printed.
   * @returns {number | undefined}  May be larger than that of the last page.
   */
  pageNamed(name) {
    const wanted = name.trim().toLowerCase();
    const number = /^\d+$/.test(wanted) ? Number(wanted) : undefined;
    if (number && number <= this.total) return number;
    const [labelled] = [...this.pages].find(([, {label}]) => label?.toLowerCase() === wanted) ?? [];
    return labelled ?? number;
  }

  /** The pages that could not be rendered, with the reasons, in their order. */
  get badPages() {
    return [...this.pages]
      .flatMap(([number, {problem}]) => (problem ? [{number, problem}] : []))
      .sort((one, other) => one.number - other.number);
  }

  /** The chapter's path in the API. */
  get path() {
    const [book, chapter] = [this.bookId, this.chapterId].map(encodeURIComponent);
    return `/api/v1/books/${book}/chapters/${chapter}`;
  }

  /** @param {ListedPage[]} pages */
  #addPages(pages) {
    for (const page of pages) {
      const {background_url: url, width, height, problem, label, thumbnail_url: thumbnail} = page;
      this.pages.set(page.page_number, {url, width, height, problem, label, thumbnail});
    }
  }
}
