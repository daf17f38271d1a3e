/** The form that turns a PDF into a chapter: choose or drop it, name it, send it, enqueue a job. */

import {announce} from "../shared/announcer.js";
import {byId, element, showText} from "../shared/dom.js";
import {formatSize} from "../shared/format.js";
import {t} from "../shared/i18n.js";
import {upload} from "./upload.js";

/** @typedef {{max_upload_mb: number, max_stored_mb_per_user: number}} Limits */

const NEW_BOOK = "";
const LONGEST_TITLE = 300;
const MB = 1024 * 1024;

/** A mistake that the user can correct; the message says how. */
class FormError extends Error {
  /**
   * @param {string} message
   * @param {string} [field]  The id of the field to correct.
   */
  constructor(message, field = "file") {
    super(message);
    this.field = field;
  }
}

export class UploadForm {
  #form = byId("upload-form", HTMLFormElement);
  #input = byId("file", HTMLInputElement);
  #book = byId("book", HTMLSelectElement);
  #newBook = byId("new-book", HTMLInputElement);
  #chapter = byId("chapter-title", HTMLInputElement);
  /** @type {File | null} */
  #file = null;
  /** @type {AbortController | null} Stops the upload under way. */
  #transfer = null;
  /** The title that was suggested for a new book. */
  #suggestion = "";

  /**
   * @param {import("../shared/api.js").Api} api
   * @param {import("./books.js").Books} books
   * @param {import("./jobs.js").Jobs} jobs
   * @param {Limits} limits
   */
  constructor(api, books, jobs, limits) {
    this.api = api;
    this.books = books;
    this.jobs = jobs;
    this.maxBytes = limits.max_upload_mb * MB;
    this.maxStoredBytes = limits.max_stored_mb_per_user * MB;
    books.addEventListener("change", () => this.#renderBooks());
    this.#form.onsubmit = (event) => {
      event.preventDefault();
      this.#attempt(() => this.#submit());
    };
    this.#input.onchange = () => this.#attempt(() => this.#choose(this.#input.files?.[0]));
    this.#book.onchange = () => this.#renderNewBook();
    byId("transfer-stop").onclick = () => this.#transfer?.abort();
    listenForDrops(byId("drop"), (file) => this.#attempt(() => this.#choose(file)));
    this.#reset();
  }

  #reset() {
    this.#file = null;
    this.#form.reset();
    byId("upload-details").hidden = true;
    byId("file-name").textContent = t("upload.pick");
    const [limit, total] = [this.maxBytes, this.maxStoredBytes].map(formatSize);
    byId("file-hint").textContent = t("upload.hint", {limit, total});
    this.#renderBooks();
  }

  /** @param {File | undefined} file */
  #choose(file) {
    if (!file || this.#transfer) return;
    const {name, size} = file;
    const isPdf = file.type === "application/pdf" || /\.pdf$/i.test(name);
    if (!isPdf) throw new FormError(t("upload.noPdf", {name}));
    if (size === 0) throw new FormError(t("upload.empty", {name}));
    if (size > this.maxBytes) {
      const limit = formatSize(this.maxBytes);
      throw new FormError(t("upload.tooLarge", {name, size: formatSize(size), limit}));
    }
    this.#file = file;
    byId("file-name").textContent = name;
    byId("file-hint").textContent = t("upload.chosen", {size: formatSize(size)});
    const title = titleFrom(name);
    this.#chapter.value = title;
    // A title that the user has typed for the new book is kept.
    if ([this.#suggestion, ""].includes(this.#newBook.value)) this.#newBook.value = title;
    this.#suggestion = title;
    byId("upload-details").hidden = false;
    byId("upload-submit").focus();
  }

  #renderBooks() {
    const {books} = this.books;
    const chosen = this.#book.value;
    const options = books.map(({book_id: bookId, title}) => option(bookId, title));
    this.#book.replaceChildren(...options, option(NEW_BOOK, t("upload.bookNew")));
    const isStillThere = books.some(({book_id: bookId}) => bookId === chosen);
    this.#book.value = isStillThere ? chosen : this.#book.options[0].value;
    this.#renderNewBook();
  }

  #renderNewBook() {
    byId("new-book-field").hidden = this.#book.value !== NEW_BOOK;
  }

  async #submit() {
    const file = this.#file;
    if (!file || this.#transfer) return;
    const title = required(this.#chapter, "upload.needChapter");
    const isNewBook = this.#book.value === NEW_BOOK;
    const newBook = isNewBook ? required(this.#newBook, "upload.needBook") : "";
    this.#transfer = new AbortController();
    try {
      this.#renderTransfer(file, true);
      const fileId = await this.#send(file, this.#transfer.signal);
      if (isNewBook) await this.#addBook(newBook);
      await this.#enqueue(fileId, title, this.#book.value);
    } finally {
      this.#transfer = null;
      this.#renderTransfer(file, false);
    }
    this.#reset();
    announce(t("say.uploaded"));
    byId("jobs-title").focus();
  }

  /**
   * @param {File} file
   * @param {AbortSignal} signal
   */
  async #send(file, signal) {
    const bar = byId("transfer-bar", HTMLProgressElement);
    const onProgress = (/** @type {number} */ sent, /** @type {number} */ total) => {
      bar.value = sent / total;
      byId("transfer-amount").textContent =
        t("upload.amount", {sent: formatSize(sent), total: formatSize(total)});
      byId("transfer-phase").textContent = t(sent < total ? "upload.sending" : "upload.checking");
    };
    onProgress(0, file.size);
    const uploaded = await upload(file, {session: this.api.session, onProgress, signal});
    return uploaded.file_id;
  }

  /**
   * The new book stays chosen, so that a second try does not add another.
   *
   * @param {string} title
   */
  async #addBook(title) {
    this.#book.value = await this.books.add(title);
    this.#renderNewBook();
  }

  /**
   * @param {string} fileId
   * @param {string} title
   * @param {string} bookId
   */
  async #enqueue(fileId, title, bookId) {
    const path = `/api/v1/books/${encodeURIComponent(bookId)}/chapters`;
    const {chapters} = await this.api.get(path);
    const orders = chapters.map((/** @type {{order_index: number}} */ it) => it.order_index);
    const fields = {file_id: fileId, title, order_index: Math.max(-1, ...orders) + 1};
    // The key belongs to the upload: sent again after a lost response, it creates no second job.
    const headers = {"Idempotency-Key": `page ${fileId}`};
    this.jobs.begin(await this.api.post(`${path}/from-pdf`, fields, headers), {title, bookId});
  }

  /**
   * @param {File} file
   * @param {boolean} isOn
   */
  #renderTransfer(file, isOn) {
    const size = formatSize(file.size);
    byId("transfer").hidden = !isOn;
    byId("upload-details").hidden = isOn;
    byId("file-hint").textContent = isOn ? size : t("upload.chosen", {size});
    this.#input.disabled = isOn;
    byId(isOn ? "transfer-stop" : "upload-submit").focus();
  }

  /** @param {() => void | Promise<void>} act */
  async #attempt(act) {
    const target = byId("upload-error");
    showText(target, "");
    try {
      await act();
    } catch (error) {
      const isStopped = error.name === "AbortError";
      showText(target, isStopped ? t("upload.stopped") : error.message);
      if (error instanceof FormError) byId(error.field).focus();
    }
  }
}

/**
 * A title from a file's name: `my_book-2.pdf` is `my book-2`.
 *
 * @param {string} name
 */
export function titleFrom(name) {
  return name.replace(/\.pdf$/i, "").replace(/[_\s]+/g, " ").trim().slice(0, LONGEST_TITLE);
}

/**
 * @param {HTMLInputElement} field
 * @param {string} key  Of the message if the field is empty.
 */
function required(field, key) {
  const value = field.value.trim();
  if (!value) throw new FormError(t(key), field.id);
  return value;
}

/**
 * @param {string} value
 * @param {string} text
 */
function option(value, text) {
  const created = element("option", "", text);
  created.value = value;
  return created;
}

/**
 * Files can be dropped anywhere: outside the marked area the browser would leave the app and show
 * the PDF.
 *
 * @param {HTMLElement} target
 * @param {(file: File) => void} onFile
 */
function listenForDrops(target, onFile) {
  const mark = (/** @type {boolean} */ isOver) => target.classList.toggle("is-over", isOver);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", ({relatedTarget}) => mark(relatedTarget !== null));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    const file = event.dataTransfer?.files[0];
    if (file) onFile(file);
  });
}
