/** The form that turns a PDF into a chapter: pick or drop, say where it belongs, send, enqueue. */

import {announce} from "../shared/announcer.js";
import {byId, element, show} from "../shared/dom.js";
import {size} from "../shared/format.js";
import {t} from "../shared/i18n.js";
import {upload} from "./upload.js";

const NEW_BOOK = "";

/** What the user can put right; the message says how. */
class FormError extends Error {
  /** @param {string} message @param {string} [field] id of where to put it right */
  constructor(message, field = "file") {
    super(message);
    this.field = field;
  }
}

export class UploadForm {
  /** @type {File | null} */
  #file = null;
  /** @type {AbortController | null} */
  #transfer = null;
  #suggestion = "";

  /**
   * @param {import("../shared/api.js").Api} api
   * @param {import("./books.js").Books} books
   * @param {import("./jobs.js").Jobs} jobs
   * @param {number} maxBytes
   */
  constructor(api, books, jobs, maxBytes) {
    this.api = api;
    this.books = books;
    this.jobs = jobs;
    this.maxBytes = maxBytes;
    books.addEventListener("change", () => this.#renderBooks());
    this.#listen();
    this.#reset();
  }

  #listen() {
    byId("upload-form").onsubmit = (event) => {
      event.preventDefault();
      this.#guarded(() => this.#submit());
    };
    byId("file").onchange = () => this.#guarded(() => this.#choose(byId("file").files[0]));
    byId("book").onchange = () => this.#renderNewBook();
    byId("transfer-stop").onclick = () => this.#transfer?.abort();
    listenForDrops(byId("drop"), (file) => this.#guarded(() => this.#choose(file)));
  }

  #reset() {
    this.#file = null;
    byId("upload-form").reset();
    byId("upload-details").hidden = true;
    byId("file-name").textContent = t("upload.pick");
    byId("file-hint").textContent = t("upload.hint", {limit: size(this.maxBytes)});
    this.#renderBooks();
  }

  #choose(file) {
    if (!file || this.#transfer) return;
    this.#check(file);
    this.#file = file;
    byId("file-name").textContent = file.name;
    byId("file-hint").textContent = t("upload.chosen", {size: size(file.size)});
    this.#suggestTitles(titleFrom(file.name));
    byId("upload-details").hidden = false;
    byId("upload-submit").focus();
  }

  /** For the chapter, and for a new book unless its title has been typed. */
  #suggestTitles(title) {
    byId("chapter-title").value = title;
    if ([this.#suggestion, ""].includes(byId("new-book").value)) byId("new-book").value = title;
    this.#suggestion = title;
  }

  #check(file) {
    const {name} = file;
    if (!(file.type === "application/pdf" || /\.pdf$/i.test(name))) throw new FormError(t("upload.noPdf", {name}));
    if (file.size === 0) throw new FormError(t("upload.empty", {name}));
    if (file.size > this.maxBytes) {
      throw new FormError(t("upload.tooLarge", {name, size: size(file.size), limit: size(this.maxBytes)}));
    }
  }

  #renderBooks() {
    const select = byId("book");
    const chosen = select.value;
    const options = this.books.books.map(({book_id: id, title}) => option(id, title));
    select.replaceChildren(...options, option(NEW_BOOK, t("upload.bookNew")));
    select.value = this.books.books.some(({book_id: id}) => id === chosen) ? chosen : select.options[0].value;
    this.#renderNewBook();
  }

  #renderNewBook() {
    byId("new-book-field").hidden = byId("book").value !== NEW_BOOK;
  }

  async #submit() {
    if (!this.#file || this.#transfer) return;
    const title = needed("chapter-title", "upload.needChapter");
    const newBook = byId("book").value === NEW_BOOK ? needed("new-book", "upload.needBook") : "";
    this.#transfer = new AbortController();
    try {
      this.#showTransfer(true);
      const {file_id: fileId} = await this.#send(this.#transfer.signal);
      await this.#enqueue(fileId, title, newBook);
    } finally {
      this.#transfer = null;
      this.#showTransfer(false);
    }
    this.#reset();
    announce(t("say.uploaded"));
    byId("jobs-title").focus();
  }

  #send(signal) {
    const onProgress = (sent, total) => {
      byId("transfer-bar").value = sent / total;
      byId("transfer-amount").textContent = t("upload.amount", {sent: size(sent), total: size(total)});
      byId("transfer-phase").textContent = t(sent < total ? "upload.sending" : "upload.checking");
    };
    onProgress(0, this.#file.size);
    return upload(this.#file, {session: this.api.session, onProgress, signal});
  }

  async #enqueue(fileId, title, newBook) {
    const bookId = newBook ? await this.#addBook(newBook) : byId("book").value;
    const chapters = await this.api.get(`/api/v1/books/${encodeURIComponent(bookId)}/chapters`);
    const last = Math.max(-1, ...chapters.chapters.map((chapter) => chapter.order_index));
    // The key is the upload's: sent again after a lost answer, it makes no second job.
    const job = await this.api.post(
      `/api/v1/books/${encodeURIComponent(bookId)}/chapters/from-pdf`,
      {file_id: fileId, title, order_index: last + 1}, {"Idempotency-Key": `page ${fileId}`});
    this.jobs.begin(job, {title, bookId});
  }

  /** A book that was made is kept chosen, should what follows fail. */
  async #addBook(title) {
    const bookId = await this.books.add(title);
    byId("book").value = bookId;
    this.#renderNewBook();
    return bookId;
  }

  #showTransfer(isOn) {
    byId("transfer").hidden = !isOn;
    byId("upload-details").hidden = isOn;
    byId("file").disabled = isOn;
    if (this.#file) byId("file-hint").textContent = isOn ? size(this.#file.size) : t("upload.chosen", {size: size(this.#file.size)});
    if (isOn) byId("transfer-stop").focus();
    else byId("upload-submit").focus();
  }

  async #guarded(act) {
    show(byId("upload-error"), "");
    try {
      await act();
    } catch (error) {
      show(byId("upload-error"), error.name === "AbortError" ? t("upload.stopped") : error.message);
      if (error instanceof FormError) byId(error.field).focus();
    }
  }
}

/** A title from a file's name: `my_book-2.pdf` is `my book-2`. @param {string} name */
export function titleFrom(name) {
  return name.replace(/\.pdf$/i, "").replace(/[_\s]+/g, " ").trim().slice(0, 300);
}

function needed(id, key) {
  const value = byId(id).value.trim();
  if (!value) throw new FormError(t(key), id);
  return value;
}

function option(value, text) {
  const made = element("option", "", text);
  made.value = value;
  return made;
}

/** Files can be dropped on the whole page, so that a near miss does not open the PDF in place of it. */
function listenForDrops(target, onFile) {
  const mark = (isOver) => target.classList.toggle("is-over", isOver);
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", ({relatedTarget}) => mark(relatedTarget !== null));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    if (event.dataTransfer?.files.length) onFile(event.dataTransfer.files[0]);
  });
}
