/** The PDFs that have been chosen: sent at once, and made chapters when the user says so. */

import {ApiError} from "../shared/api.js";
import {formatSize} from "../shared/format.js";
import {t} from "../shared/i18n.js";
import {areChapters, partsOf} from "./parts.js";
import {commonTitle, inNaturalOrder, titleFrom, usableTitle} from "./titles.js";
import {upload} from "./upload.js";

/**
 * @typedef {{max_upload_mb: number, max_stored_mb_per_user: number}} Limits
 * @typedef {import("./parts.js").Part} Part
 *
 * @typedef {"waiting" | "sending" | "checking" | "ready" | "adding" | "refused"} State
 *   Refused: the file cannot become a chapter.
 */

const MB = 1024 * 1024;
const SENT_AT_ONCE = 2;
/** No response, or one of a server that is busy or about to come back. */
const INTERRUPTIONS = new Set([0, 502, 503, 504]);
const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [2000, 30_000];
/** Choices of a book that are no id of one. */
export const NEW_BOOK = "new";
export const BOOK_EACH = "each";

/** One PDF. */
export class QueuedPdf {
  /** @type {State} */
  state = "waiting";
  sent = 0;
  /** @type {string} */
  title;
  isTitleTyped = false;
  /** Why the PDF could not be sent or added; as a message. */
  error = "";
  /** Whether it could not be sent because of the network, and is about to be sent again. */
  isInterrupted = false;
  /** Whether to become chapters as soon as it has been sent. */
  isWanted = false;
  fileId = "";
  pageCount = 0;
  /** @type {Part[]} The chapters that the PDF's outline suggests. */
  parts = [];
  /** Whether the parts become chapters; else the whole PDF becomes one. */
  isSplit = false;
  /** @type {string} The book that has been created for this PDF alone. */
  bookId = "";
  controller = new AbortController();

  /**
   * @param {string} key  Unlike that of all others.
   * @param {File} file
   */
  constructor(key, file) {
    this.key = key;
    this.file = file;
    this.title = titleFrom(file.name);
  }

  /** How many chapters it becomes. */
  get count() {
    if (this.state === "refused") return 0;
    return this.isSplit ? this.chosenParts.length : 1;
  }

  get chosenParts() {
    return this.parts.filter((part) => part.isChosen);
  }
}

/**
 * Dispatches "change", "ready" with a PDF that waits for the user's choice, and "added" when the
 * last PDF that was wanted has become chapters.
 */
export class UploadQueue extends EventTarget {
  /** @type {QueuedPdf[]} */
  rows = [];
  /** The id of a book, NEW_BOOK, or BOOK_EACH. */
  book = "";
  newBook = "";
  #isNewBookTyped = false;
  /** How many PDFs have ever been chosen. */
  #count = 0;
  /** Mistakes by field: "book", or "title" and "parts" with a row's index behind. */
  errors = /** @type {Record<string, string>} */ ({});
  #isAdding = false;
  /** How often sending was interrupted since a PDF has been sent. */
  #interruptions = 0;
  #pause = 0;

  /**
   * @param {import("../shared/api.js").Api} api
   * @param {import("./books.js").Books} books
   * @param {import("./jobs.js").Jobs} jobs
   * @param {Limits} limits
   */
  constructor(api, books, jobs, limits) {
    super();
    this.api = api;
    this.books = books;
    this.jobs = jobs;
    this.maxBytes = limits.max_upload_mb * MB;
    this.maxStoredBytes = limits.max_stored_mb_per_user * MB;
  }

  /** How many chapters the chosen PDFs become. */
  get count() {
    return this.rows.reduce((sum, row) => sum + row.count, 0);
  }

  /** Whether something would be lost if the user left now. */
  get isBusy() {
    return this.rows.some((row) => row.state !== "refused");
  }

  /**
   * What is under way: sending PDFs, and creating chapters of those that the user has added.
   *
   * @returns {[string, number][]}  Names, and how far each has come, up to 1.
   */
  get steps() {
    return this.rows.flatMap(({key, state, error, sent, file, isInterrupted, isWanted}) => {
      const isSending = state === "sending" || (state === "waiting" && (isInterrupted || !error));
      /** @type {[string, number][]} */
      const steps = [];
      if (isSending) steps.push([key, sent / file.size]);
      if (isWanted) steps.push([`chapters of ${key}`, 0]);
      return steps;
    });
  }

  /** @param {readonly File[]} files */
  add(files) {
    const rows = inNaturalOrder(files).map((file) => (
      new QueuedPdf(`pdf${this.#count++}`, file)));
    for (const row of rows) {
      row.error = this.#refusal(row.file);
      if (row.error) row.state = "refused";
    }
    if (!this.rows.length) {
      // Next to the chapters of the newest book, or a first book.
      this.book = this.books.books[0]?.book_id ?? NEW_BOOK;
      this.newBook = "";
      this.#isNewBookTyped = false;
    }
    this.rows = [...this.rows, ...rows];
    this.#suggestBook();
    this.#sendNext();
    this.changed();
  }

  /** @param {QueuedPdf} row */
  remove(row) {
    row.controller.abort();
    this.rows = this.rows.filter((it) => it !== row);
    this.errors = {};
    this.#suggestBook();
    this.#sendNext();
    this.changed();
  }

  /** Gives everything up. */
  clear() {
    for (const row of this.rows) this.remove(row);
  }

  /** @param {string} title */
  typeNewBook(title) {
    this.newBook = title;
    this.#isNewBookTyped = Boolean(title);
    this.changed();
  }

  /**
   * @param {QueuedPdf} row
   * @param {string} title
   */
  typeTitle(row, title) {
    row.title = title;
    row.isTitleTyped = Boolean(title);
    this.changed();
  }

  /**
   * Has all PDFs become chapters, in their order; those that are still being sent once they have
   * been. A PDF whose outline turns out to have chapters waits for the user's choice.
   *
   * @returns {Promise<boolean>}  Whether there was no mistake to correct.
   */
  async submit() {
    this.errors = this.#mistakes();
    if (Object.keys(this.errors).length) {
      this.changed();
      return false;
    }
    for (const row of this.rows) {
      row.isWanted = row.state !== "refused";
      if (row.state === "waiting") prepareToSend(row);
    }
    this.#sendNext();
    await this.#addWanted();
    return true;
  }

  /** Sends again what was interrupted. This happens by itself after a pause, too. */
  sendAgain() {
    for (const row of this.rows) if (row.isInterrupted) prepareToSend(row);
    this.#sendNext();
    this.changed();
  }

  changed() {
    this.dispatchEvent(new Event("change"));
  }

  /** @param {File} file */
  #refusal({name, type, size}) {
    if (type !== "application/pdf" && !/\.pdf$/i.test(name)) return t("upload.noPdf", {name});
    if (size === 0) return t("upload.empty", {name});
    const limit = formatSize(this.maxBytes);
    if (size > this.maxBytes) return t("upload.tooLarge", {name, size: formatSize(size), limit});
    return "";
  }

  #mistakes() {
    /** @type {Record<string, string>} */
    const mistakes = {};
    if (this.book === NEW_BOOK && !this.newBook.trim()) mistakes.book = t("upload.needBook");
    for (const [index, row] of this.rows.entries()) {
      if (row.state === "refused") continue;
      if (!row.isSplit && !row.title.trim()) mistakes[`title${index}`] = t("upload.needChapter");
      const hasMistake = (/** @type {Part} */ {title, first, last}) => (
        !title.trim() || !(first >= 1 && first <= last && last <= row.pageCount));
      if (row.isSplit && (!row.chosenParts.length || row.chosenParts.some(hasMistake))) {
        mistakes[`parts${index}`] = t("upload.needParts", {count: row.pageCount});
      }
    }
    return mistakes;
  }

  #sendNext() {
    for (const row of this.rows) {
      const underWay = this.rows.filter(({state}) => state === "sending" || state === "checking");
      if (underWay.length >= SENT_AT_ONCE) return;
      if (row.state === "waiting" && !row.error) this.#send(row);
    }
  }

  /** @param {QueuedPdf} row */
  async #send(row) {
    row.state = "sending";
    try {
      const uploaded = await upload(row.file, {
        session: this.api.session,
        signal: row.controller.signal,
        onProgress: (sent, total) => {
          row.sent = sent;
          row.state = sent < total ? "sending" : "checking";
          this.changed();
        },
      });
      row.fileId = uploaded.file_id;
      row.pageCount = uploaded.page_count;
      await this.#readOutline(row);
      row.state = "ready";
      this.#interruptions = 0;
      if (!row.isWanted) this.dispatchEvent(new CustomEvent("ready", {detail: row}));
    } catch (error) {
      if (row.controller.signal.aborted) return;
      row.error = error.message;
      row.sent = 0;
      const isRefused = error instanceof ApiError && !error.isTransient && error.status !== 507;
      row.state = isRefused ? "refused" : "waiting";
      row.isInterrupted = error instanceof ApiError && INTERRUPTIONS.has(error.status);
      if (row.isInterrupted) this.#sendAgainSoon();
      else row.isWanted = false;
    }
    this.#sendNext();
    this.#addWanted();
    this.changed();
  }

  #sendAgainSoon() {
    const pause = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** this.#interruptions++);
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.sendAgain(), pause);
  }

  /** @param {QueuedPdf} row */
  async #readOutline(row) {
    const {signal} = row.controller;
    const path = `/api/v1/files/${encodeURIComponent(row.fileId)}/outline`;
    const {title, outline} = await this.api.get(path, signal).catch((error) => {
      if (signal.aborted) throw error;
      return {title: null, outline: []}; // the PDF can be read without
    });
    row.parts = partsOf(outline, row.pageCount, t("upload.rest"));
    row.isSplit = areChapters(row.parts);
    if (row.isSplit) row.isWanted = false;
    const suggestion = usableTitle(title);
    if (suggestion && !row.isTitleTyped) row.title = suggestion;
    this.#suggestBook();
  }

  /** Suggests a title for a new book until the user has typed one. */
  #suggestBook() {
    const rows = this.rows.filter(({state}) => state !== "refused");
    const titles = rows.map(({title}) => title.trim()).filter(Boolean);
    if (titles.length && !this.#isNewBookTyped) this.newBook = commonTitle(titles);
    if (rows.length < 2 && this.book === BOOK_EACH) this.book = NEW_BOOK;
  }

  /** One after the other, so that the chapters come in the order of the PDFs. */
  async #addWanted() {
    if (this.#isAdding) return;
    this.#isAdding = true;
    let hasAdded = false;
    try {
      for (;;) {
        const row = this.rows.find((it) => it.isWanted);
        if (!row || row.state !== "ready") break;
        await this.#add(row);
        hasAdded = true;
      }
    } finally {
      this.#isAdding = false;
    }
    if (hasAdded && !this.rows.some((it) => it.isWanted)) this.dispatchEvent(new Event("added"));
  }

  /** @param {QueuedPdf} row */
  async #add(row) {
    row.state = "adding";
    row.error = "";
    this.changed();
    try {
      const bookId = await this.#bookOf(row);
      const jobs = await this.#enqueue(row, bookId);
      for (const {job, title} of jobs) this.jobs.begin(job, {title, bookId});
      this.rows = this.rows.filter((it) => it !== row);
    } catch (error) {
      row.state = "ready";
      row.error = error.message;
      row.isWanted = false;
    }
    this.changed();
  }

  /**
   * The id of the book for the PDF, which is created if it is new. After that it is the chosen one,
   * so that a second try does not create another.
   *
   * @param {QueuedPdf} row
   */
  async #bookOf(row) {
    if (this.book === BOOK_EACH) {
      row.bookId ||= await this.books.add(row.title.trim());
      return row.bookId;
    }
    if (this.book === NEW_BOOK) this.book = await this.books.add(this.newBook.trim());
    return this.book;
  }

  /**
   * @param {QueuedPdf} row
   * @param {string} bookId
   * @returns {Promise<{job: import("../../poll-job.js").Job, title: string}[]>}
   */
  async #enqueue(row, bookId) {
    const path = `/api/v1/books/${encodeURIComponent(bookId)}/chapters`;
    // The key belongs to the upload: sent again after a lost response, it creates no second job.
    const headers = {"Idempotency-Key": `page ${row.fileId} ${bookId}`};
    if (!row.isSplit) {
      const fields = {file_id: row.fileId, title: row.title.trim()};
      return [{job: await this.api.post(`${path}/from-pdf`, fields, headers), title: fields.title}];
    }
    const parts = row.chosenParts.map(({title, first, last}) => (
      {title: title.trim(), first_page: first, last_page: last}));
    const fields = {file_id: row.fileId, parts};
    const {jobs} = await this.api.post(`${path}/from-outline`, fields, headers);
    return parts.map(({title}, index) => ({job: jobs[index], title}));
  }
}

/** @param {QueuedPdf} row */
function prepareToSend(row) {
  row.error = "";
  row.isInterrupted = false;
}
