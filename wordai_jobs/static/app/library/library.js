/** The library: adding PDFs, uploads, and books. Shows the models whenever one has changed. */

import {announce} from "../shared/announcer.js";
import {confirm} from "../shared/confirm.js";
import {byId, find} from "../shared/dom.js";
import {formatPercent, formatSize} from "../shared/format.js";
import {html, icon, render} from "../shared/html.js";
import {t} from "../shared/i18n.js";
import {showProgressInTitle} from "../shared/window-title.js";
import {Batch} from "./batch.js";
import {booksView, continueView} from "./books-view.js";
import {edit} from "./edit-dialog.js";
import {titleOf} from "./jobs.js";
import {ProgressAnnouncer} from "./progress-announcer.js";
import {queueView} from "./queue-view.js";
import {uploadsView} from "./uploads-view.js";

/**
 * @typedef {import("./books.js").Book} Book
 * @typedef {import("./books.js").Chapter} Chapter
 * @typedef {import("./jobs.js").JobEntry} JobEntry
 */

/** The newest books are open at first. The others read their chapters when they come into sight. */
const OPEN_AT_FIRST = 3;
/** What other tabs and devices did is read again no more often than this. */
const REFRESH_PAUSE_MS = 2000;

export class Library {
  #announcer = new ProgressAnnouncer();
  #batch = new Batch();
  #jobsError = "";
  #booksError = "";
  /** @type {Set<string>} Ids of the books whose chapters are shown. */
  #open = new Set();
  #isDrawing = false;
  #refreshedAt = 0;
  /** Whether jobs have ended that the user has not seen. */
  #hasNews = false;
  /** Reads the chapters of a book that comes into sight. */
  #sight = new IntersectionObserver((entries) => {
    for (const {isIntersecting, target} of entries) {
      const {bookId} = /** @type {HTMLElement} */ (target).dataset;
      if (isIntersecting && bookId) this.#loadChapters(bookId);
    }
  }, {rootMargin: "400px"});

  /**
   * @param {import("./jobs.js").Jobs} jobs
   * @param {import("./books.js").Books} books
   * @param {import("./upload-queue.js").UploadQueue} queue
   */
  constructor(jobs, books, queue) {
    this.jobs = jobs;
    this.books = books;
    this.queue = queue;
    for (const model of [jobs, books, queue]) {
      model.addEventListener("change", () => this.#drawSoon());
    }
    jobs.addEventListener("ended", (event) => {
      this.#ended(/** @type {CustomEvent<JobEntry>} */ (event).detail);
    });
    queue.addEventListener("ready", (event) => {
      const {file, pageCount, isSplit, count} =
        /** @type {CustomEvent<import("./upload-queue.js").QueuedPdf>} */ (event).detail;
      const chapters = isSplit ? t("queue.asParts", {count}) : "";
      announce(`${t("say.sent", {name: file.name, count: pageCount})} ${chapters}`.trim());
    });
    queue.addEventListener("added", () => {
      announce(t("say.uploaded"));
      this.#focusSoon("jobs-title");
    });
    addEventListener("online", () => queue.sendAgain());
    listenForDrops((files) => this.#choose(files));
    addEventListener("visibilitychange", () => this.#comeBack());
    addEventListener("focus", () => this.#comeBack());
    addEventListener("beforeunload", (event) => {
      if (queue.isBusy) event.preventDefault();
    });
    // While a page takes long, the time left grows although no poll brings anything new.
    setInterval(() => {
      if (jobs.list.some((entry) => !entry.hasEnded)) this.#drawSoon();
    }, 1000);
    this.#draw();
  }

  async load() {
    await Promise.all([this.#loadJobs(), this.#loadBooks(() => this.books.load())]);
    const newest = this.books.books.slice(0, OPEN_AT_FIRST).map(({book_id: bookId}) => bookId);
    for (const bookId of newest) this.#open.add(bookId);
    this.#drawSoon();
    await Promise.all(newest.map((bookId) => this.#loadChapters(bookId)));
  }

  /** Reads again what other tabs and devices may have changed. */
  async refresh() {
    this.#refreshedAt = performance.now();
    await Promise.all([this.#loadJobs(), this.#loadBooks(() => this.books.refresh())]);
  }

  #comeBack() {
    if (document.hidden) return;
    this.#hasNews = false;
    this.#drawSoon();
    if (performance.now() - this.#refreshedAt > REFRESH_PAUSE_MS) this.refresh();
  }

  /** @param {JobEntry} entry */
  #ended(entry) {
    this.#announcer.ended(entry.job, titleOf(entry, this.books));
    this.#hasNews ||= document.hidden || !document.hasFocus();
    const bookId = entry.submission?.bookId;
    const chapterId = entry.job.result?.chapter_id;
    if (!chapterId) return;
    if (bookId) this.#open.add(bookId);
    this.#loadBooks(() => (
      bookId ? this.books.expect(bookId, chapterId) : this.books.refresh()));
  }

  /** @param {FileList | File[] | null | undefined} files */
  #choose(files) {
    if (!files?.length) return;
    this.queue.add([...files]);
    this.#focusSoon("queue-title");
  }

  async #submit() {
    if (await this.queue.submit()) return;
    this.#draw();
    const [field] = Object.keys(this.queue.errors);
    byId(field === "book" ? "new-book" : field).focus();
  }

  async #loadJobs() {
    try {
      await this.jobs.load();
      this.#jobsError = "";
    } catch (error) {
      this.#jobsError = error.message;
    }
    this.#drawSoon();
  }

  /**
   * @param {() => Promise<unknown>} act
   * @returns {Promise<boolean>}  Whether it worked; else the library says why not.
   */
  async #loadBooks(act) {
    this.#booksError = "";
    try {
      await act();
    } catch (error) {
      this.#booksError = error.message;
    }
    this.#drawSoon();
    return !this.#booksError;
  }

  /** @param {string} bookId */
  async #loadChapters(bookId) {
    if (!this.books.chapters.has(bookId)) {
      await this.#loadBooks(() => this.books.loadChapters(bookId));
    }
  }

  /** @param {string} bookId */
  #toggle(bookId) {
    if (!this.#open.delete(bookId)) this.#open.add(bookId);
    this.#loadChapters(bookId);
    this.#drawSoon();
  }

  /** @param {Book} book */
  async #editBook(book) {
    const {book_id: bookId, title} = book;
    const {action, title: newTitle} = await edit({
      heading: t("edit.book"), title, canMoveUp: false, canMoveDown: false,
    });
    if (action === "save" && newTitle !== title) {
      await this.#loadBooks(() => this.books.renameBook(book, newTitle));
    }
    if (action !== "delete") return;
    const count = this.books.chapters.get(bookId)?.length ?? 0;
    if (!await confirm(t("books.deleteConfirm", {title, count}))) return;
    const isDone = await this.#loadBooks(() => this.books.removeBook(book));
    if (isDone) this.#deleted(title);
  }

  /** @param {Chapter} chapter */
  async #editChapter(chapter) {
    const {book_id: bookId, title} = chapter;
    const chapters = this.books.chapters.get(bookId) ?? [];
    const place = chapters.indexOf(chapter);
    const {action, title: newTitle} = await edit({
      heading: t("edit.chapter"), title,
      canMoveUp: place > 0, canMoveDown: place < chapters.length - 1,
    });
    if (action === "save" && newTitle !== title) {
      await this.#loadBooks(() => this.books.renameChapter(chapter, newTitle));
    }
    if (action === "up") this.#moveChapter(chapter, place - 1);
    if (action === "down") this.#moveChapter(chapter, place + 1);
    if (action !== "delete" || !await confirm(t("chapter.deleteConfirm", {title}))) return;
    const isDone = await this.#loadBooks(() => this.books.removeChapter(chapter));
    if (isDone) this.#deleted(title);
  }

  /** @param {string} title */
  #deleted(title) {
    announce(t("say.deleted", {title}));
    this.#focusSoon(this.books.books.length ? "books-title" : "library-title");
  }

  /**
   * @param {Chapter} chapter
   * @param {number} place  From 0.
   */
  async #moveChapter(chapter, place) {
    const {book_id: bookId, chapter_id: chapterId, title} = chapter;
    const moving = this.#loadBooks(() => this.books.moveChapter(chapter, place));
    this.#draw();
    find(document, `[data-chapter-id="${CSS.escape(chapterId)}"] .chapter-move`).focus();
    if (!await moving) return;
    const total = this.books.chapters.get(bookId)?.length ?? 0;
    announce(t("say.moved", {title, place: place + 1, total}));
  }

  /** @param {string} id */
  #focusSoon(id) {
    this.#draw();
    byId(id).focus();
  }

  /** However many models change at once, the library is drawn once. */
  #drawSoon() {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    queueMicrotask(() => this.#draw());
  }

  #draw() {
    this.#isDrawing = false;
    const {jobs, books, queue} = this;
    const actions = {
      editBook: (/** @type {Book} */ book) => this.#editBook(book),
      editChapter: (/** @type {Chapter} */ chapter) => this.#editChapter(chapter),
      moveChapter: (/** @type {Chapter} */ chapter, /** @type {number} */ place) => (
        this.#moveChapter(chapter, place)),
      toggle: (/** @type {string} */ bookId) => this.#toggle(bookId),
    };
    const uploads = uploadsView(jobs, books, this.#jobsError);
    const needsAttention = this.#jobsError || jobs.list.some((entry) => (
      entry.job.status !== "completed" && !entry.isHidden));
    const focused = /** @type {HTMLElement | null} */ (document.activeElement);
    render(html`
      ${this.#addView()}
      ${queueView(queue, () => this.#submit())}
      ${needsAttention && uploads}
      ${continueView(books)}
      ${booksView(books, this.#open, actions, this.#booksError)}
      ${books.isLoaded && !books.books.length && html`
        <p class="empty" id="books-empty">${t("books.empty")}</p>`}
      ${!needsAttention && uploads}
    `, byId("library-content"));
    // An element that has been moved among others has lost the focus.
    if (focused?.isConnected && focused !== document.activeElement) focused.focus();
    for (const book of document.querySelectorAll(".book")) this.#sight.observe(book);
    const running = jobs.list.filter((entry) => !entry.hasEnded);
    for (const entry of running) {
      this.#announcer.progress(entry.job, titleOf(entry, books), running.length === 1);
    }
    const share = this.#batch.update([...queue.steps, ...running.map(stepOf)]);
    const ended = this.#hasNews ? "✓" : "";
    showProgressInTitle(share === null ? ended : formatPercent(share));
  }

  #addView() {
    const {maxBytes, maxStoredBytes} = this.queue;
    const [limit, total] = [maxBytes, maxStoredBytes].map(formatSize);
    const isLarge = this.books.isLoaded && !this.books.books.length && !this.queue.rows.length;
    const choose = (/** @type {Event} */ {currentTarget}) => {
      const input = /** @type {HTMLInputElement} */ (currentTarget);
      this.#choose(input.files);
      input.value = "";
    };
    return html`
      <div class=${isLarge ? "drop is-large" : "drop"} id="drop">
        ${icon("page")}
        <input type="file" class="visually-hidden" id="file" accept="application/pdf,.pdf" multiple
               aria-describedby="file-hint" onChange=${choose}/>
        <label for="file" class="drop-label drop-main">${t("upload.pick")}</label>
        <p class="hint" id="file-hint">${t("upload.hint", {limit, total})}</p>
      </div>`;
  }
}

/**
 * @param {JobEntry} entry
 * @returns {[string, number]}
 */
function stepOf({job}) {
  return [job.job_id, job.progress / 100];
}

/**
 * Files can be dropped anywhere: outside a marked area the browser would leave the app and show the
 * PDF.
 *
 * @param {(files: FileList | undefined) => void} onFiles
 */
function listenForDrops(onFiles) {
  const mark = (/** @type {boolean} */ isOver) => {
    document.querySelector("#drop")?.classList.toggle("is-over", isOver);
  };
  document.addEventListener("dragover", (event) => {
    event.preventDefault();
    mark(true);
  });
  document.addEventListener("dragleave", ({relatedTarget}) => mark(relatedTarget !== null));
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    mark(false);
    onFiles(event.dataTransfer?.files);
  });
}
