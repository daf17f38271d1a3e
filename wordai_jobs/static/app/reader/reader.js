/** The reader: a finished chapter, or a job's pages as they appear. */

import {phaseOf} from "../library/job-phase.js";
import {LEAVING_BAD_PAGES_BLANK, titleOf} from "../library/jobs.js";
import {announce} from "../shared/announcer.js";
import {oneAtATime} from "../shared/concurrency.js";
import {byId, element, showText} from "../shared/dom.js";
import {formatFailure} from "../shared/format.js";
import {t} from "../shared/i18n.js";
import {formatRoute} from "../shared/router.js";
import {showTitle} from "../shared/window-title.js";
import {BookContext} from "./book-context.js";
import {ContentsPanel, isScreenNarrow} from "./contents-panel.js";
import {PageSource} from "./page-source.js";
import {Positions} from "./positions.js";
import {printChapter} from "./printing.js";
import {ReaderPages} from "./reader-pages.js";
import {Reconnection} from "./reconnection.js";
import {SearchAll} from "./search-all.js";
import {SearchPanel} from "./search-panel.js";
import {ViewMenu} from "./view-menu.js";

/**
 * @typedef {import("../library/jobs.js").JobEntry} JobEntry
 * @typedef {import("../shared/router.js").JobRoute} JobRoute
 * @typedef {import("../shared/router.js").ChapterRoute} ChapterRoute
 * @typedef {import("../shared/router.js").SearchRoute} SearchRoute
 */

/** The address names the page once the reader has stayed on it for a moment. */
const ADDRESS_PAUSE_MS = 250;
/** A screen reader says the page once the reader has stayed on it for a moment. */
const SAYING_PAUSE_MS = 500;

export class Reader {
  #pageField = byId("reader-page", HTMLInputElement);
  #retryButton = byId("reader-retry");
  #retryBlankButton = byId("reader-retry-blank");
  #progress = byId("reader-progress", HTMLProgressElement);
  #pages = new ReaderPages();
  #search;
  #searchAll;
  #contents = new ContentsPanel(this.#pages);
  #menu = new ViewMenu(this.#pages);
  #reconnection = new Reconnection();
  /** Ends all reading for what is open now. */
  #reading = new AbortController();
  /** @type {PageSource | null} */
  #source = null;
  /** @type {BookContext | null} */
  #book = null;
  /** @type {JobRoute | ChapterRoute | null} What is open now. */
  #route = null;
  /** The address when it was last read or written here. */
  #address = "";
  #addressTimer = 0;
  #sayingTimer = 0;
  /** The page that the search has led to and that is still being read; 0 for none. */
  #hitPage = 0;
  /** Whether no page of what is open has been turned to, except by the search. */
  #isOnlyLookedUp = false;
  /** Whether pages that cannot be loaded are being tried again. */
  #isRenewing = false;

  /**
   * @param {import("../shared/api.js").Api} api
   * @param {import("../library/jobs.js").Jobs} jobs
   * @param {import("../library/books.js").Books} books
   */
  constructor(api, jobs, books) {
    this.api = api;
    this.jobs = jobs;
    this.books = books;
    this.positions = new Positions(api);
    this.#search = new SearchPanel(api, this.#pages);
    this.#searchAll = new SearchAll(api);
    this.#pages.addEventListener("page", () => this.#turned());
    this.#pages.addEventListener("broken", () => this.#renew());
    this.#pages.addEventListener("loaded", () => this.#reconnection.succeeded());
    this.#search.addEventListener("open", () => {
      if (isScreenNarrow()) this.#contents.hide();
    });
    this.#search.addEventListener("hit", (event) => {
      this.#hitPage = /** @type {CustomEvent<number>} */ (event).detail;
      clearTimeout(this.#sayingTimer);
    });
    this.#contents.addEventListener("open", () => {
      if (isScreenNarrow()) this.#search.hide();
    });
    byId("view-menu").addEventListener("toggle", () => this.#nameDownload());
    byId("download").onclick = () => this.#attempt(() => this.#download());
    byId("print").onclick = () => this.#attempt(() => this.#print());
    // A link adds an entry to the history. The entry before it names the page that is left.
    byId("reader").addEventListener("click", () => {
      if (this.#source?.total) this.#writeAddress();
    }, {capture: true});
    byId("reader-place").onsubmit = (event) => {
      event.preventDefault();
      this.#startAt(this.#source?.pageNamed(this.#pageField.value) ?? this.#pages.current);
    };
    this.#pageField.onblur = () => this.#renderPlace();
    document.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** @param {JobRoute | ChapterRoute | SearchRoute} route */
  async open(route) {
    this.#address = location.hash;
    if (route.view === "search") {
      this.close();
      this.#searchAll.open(route.query);
      return;
    }
    if (this.#route && isSamePlace(this.#route, route)) {
      this.#pages.goTo(route.page ?? this.#pages.current);
      return;
    }
    this.#leave();
    this.positions.send();
    this.#reading = new AbortController();
    this.#route = withoutQuery(route);
    this.#isOnlyLookedUp = route.view === "chapter" && Boolean(route.query);
    this.#hitPage = this.#isOnlyLookedUp ? route.page ?? 1 : 0;
    const source = new PageSource(this.api, this.#reading.signal);
    const book = new BookContext(this.api, source);
    this.#source = source;
    this.#book = book;
    this.#pages.open(source, (page) => formatRoute({...withoutQuery(route), page}));
    this.#search.use(source);
    if (route.view === "chapter" && route.query && !this.#search.isOpen) {
      this.#search.continueWith(route.query, route.page);
    }
    this.#contents.use(source, book);
    this.#renderBook();
    this.#renderBadPages();
    this.#renderPlace();
    this.#menu.render();
    this.#setTitle(t("reader.loading"));
    if (!this.#search.hasFocus) byId("reader-title").focus();
    await this.#attempt(() => (
      route.view === "job" ? this.#openJob(source, route) : this.#openChapter(source, route)));
  }

  /** @returns {Promise<void>}  When the server knows where the user has stopped reading. */
  async close() {
    this.#leave();
    this.#search.reset();
    await this.positions.send();
  }

  #leave() {
    this.#reading.abort();
    this.#searchAll.close();
    this.#pages.close();
    clearTimeout(this.#addressTimer);
    clearTimeout(this.#sayingTimer);
    this.#route = null;
    this.#showStatus("");
  }

  /**
   * @param {PageSource} source
   * @param {ChapterRoute} route
   */
  async #openChapter(source, {bookId, chapterId, page}) {
    const read = () => source.readChapter(bookId, chapterId);
    await this.#reconnection.keepTrying(read, source.signal);
    source.signal.throwIfAborted();
    this.#setTitle(source.title);
    this.#pages.update();
    this.#renderBadPages();
    this.#startAt(page ?? this.positions.find(chapterId, source.position));
    this.#search.refresh();
    this.#readBook(source);
  }

  /**
   * What is around the chapter, after the page itself.
   *
   * @param {PageSource} source
   */
  #readBook(source) {
    const book = this.#book;
    if (!book) return;
    this.#contents.render();
    this.#pages.queue.add({kind: "book", page: 1, run: async (signal) => {
      try {
        await book.read(signal);
      } catch (error) {
        if (!signal.aborted) console.warn("The book's chapters:", error.message);
        return;
      }
      if (source.signal.aborted) return;
      this.#renderBook();
      this.#contents.render();
    }});
  }

  /**
   * @param {PageSource} source
   * @param {JobRoute} route
   */
  async #openJob(source, {jobId, page = 1}) {
    const {signal} = source;
    const entry = await this.jobs.find(jobId, signal);
    this.#setTitle(titleOf(entry, this.books));
    this.#retryButton.onclick = () => this.#retry(entry);
    this.#retryBlankButton.onclick = () => this.#retry(entry, LEAVING_BAD_PAGES_BLANK);
    const follow = oneAtATime(() => this.#follow(source, entry));
    this.jobs.addEventListener("change", () => this.#attempt(follow), {signal});
    await follow();
    if (!signal.aborted) this.#startAt(page);
  }

  /**
   * Shows what the job has created since it was last looked at.
   *
   * @param {PageSource} source
   * @param {JobEntry} entry
   */
  async #follow(source, entry) {
    if (source.isFinished || source.signal.aborted) return;
    const {job, problem} = entry;
    const {name, done, total} = phaseOf(job);
    const hasFailed = job.status === "failed";
    this.#progress.hidden = hasFailed;
    this.#progress.value = job.progress;
    this.#retryButton.hidden = !hasFailed;
    this.#retryBlankButton.hidden = !entry.hasBadPage;
    if (hasFailed) {
      this.#showStatus(t("reader.failed", {detail: formatFailure(job.error ?? "")}));
    } else if (problem) {
      this.#showStatus(t("job.waiting"));
    } else {
      this.#showStatus(done ? t("reader.running", {done, total}) : t("reader.starting"));
    }
    if (problem || (done === source.pages.size && name !== "completed")) return;
    await this.#reconnection.keepTrying(() => source.readJob(job.job_id), source.signal);
    if (name === "completed") await this.#finish(source);
    source.signal.throwIfAborted();
    this.#pages.update();
    this.#renderBadPages();
    this.#renderPlace();
  }

  /**
   * The chapter has the pages that the job has created: reading goes on at the same place, and the
   * address becomes the chapter's.
   *
   * @param {PageSource} source
   */
  async #finish(source) {
    const {bookId, chapterId} = source;
    if (!chapterId) throw new Error(t("reader.gone"));
    const read = () => source.readChapter(bookId, chapterId);
    await this.#reconnection.keepTrying(read, source.signal);
    source.signal.throwIfAborted();
    this.#route = {view: "chapter", bookId, chapterId, page: this.#pages.current};
    this.#setTitle(source.title);
    this.#showStatus("");
    this.#writeAddress();
    this.#search.refresh();
    this.#keepPosition();
    this.#readBook(source);
  }

  /**
   * @param {JobEntry} entry
   * @param {import("../library/jobs.js").RetryOptions} [options]
   */
  async #retry(entry, options) {
    const jobId = await this.jobs.retry(entry, options);
    if (jobId) location.hash = formatRoute({view: "job", jobId});
    else this.#showStatus(entry.refusal);
  }

  /** @param {number} page */
  #startAt(page) {
    this.#pages.goTo(page);
    this.#turned();
    if (!this.#search.hasFocus) this.#pages.focus();
  }

  /** Another page is being read. */
  #turned() {
    this.#renderPlace();
    clearTimeout(this.#sayingTimer);
    const isHit = this.#pages.current === this.#hitPage;
    if (!isHit) {
      this.#hitPage = 0;
      this.#isOnlyLookedUp = false;
    }
    if (!this.#isOnlyLookedUp) this.#keepPosition();
    if (isHit) return; // the search announces it
    this.#sayingTimer = setTimeout(() => {
      const total = this.#source?.total;
      if (total) announce(t("say.page", {number: this.#pages.current, total}));
    }, SAYING_PAUSE_MS);
  }

  #keepPosition() {
    const {bookId, chapterId, isFinished} = this.#source ?? {};
    if (isFinished && bookId && chapterId) {
      this.positions.keep({bookId, chapterId}, this.#pages.current);
    }
  }

  /**
   * Something of a page cannot be loaded: its URL has expired, or the server is away. Usually
   * several fail at once, and one renewal serves all of them.
   */
  async #renew() {
    const source = this.#source;
    if (this.#isRenewing || !source) return;
    this.#isRenewing = true;
    await this.#attempt(async () => {
      await this.#reconnection.pause(source.signal);
      await this.#reconnection.keepTrying(() => source.renew(), source.signal);
    });
    this.#isRenewing = false;
    if (!source.signal.aborted) this.#pages.update();
  }

  /** Says so if the PDF has more pages than the chapter. */
  async #nameDownload() {
    const source = this.#source;
    if (!source?.fileId) return;
    const {page_count: count} = await source.readFile().catch(() => ({page_count: source.total}));
    if (source.signal.aborted) return;
    const isWhole = count === source.total;
    byId("download").textContent =
      isWhole ? t("reader.download") : t("reader.downloadWhole", {count});
  }

  async #download() {
    const source = this.#source;
    if (!source?.fileId) return;
    const {filename, page_count: count} = await source.readFile();
    const path = `/api/v1/files/${encodeURIComponent(source.fileId)}/content`;
    const link = element("a");
    link.href = URL.createObjectURL(await this.api.download(path, source.signal));
    link.download = count === source.total ? `${source.title}.pdf` : filename;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }

  async #print() {
    const source = this.#source;
    if (!source) return;
    byId("view-menu").hidePopover();
    await printChapter(source, (done, total) => (
      this.#showStatus(t("reader.printing", {done, total}))));
    this.#showStatus("");
  }

  /**
   * Shows an error of what is open now; errors of what has been closed are of no interest.
   *
   * @param {() => Promise<void>} act
   */
  async #attempt(act) {
    const {signal} = this.#reading;
    try {
      await act();
    } catch (error) {
      if (signal.aborted) return;
      this.#progress.hidden = true;
      this.#retryButton.hidden = true;
      this.#retryBlankButton.hidden = true;
      this.#showStatus(error.message);
    }
  }

  /** @param {string} message */
  #showStatus(message) {
    showText(byId("reader-status-text"), message);
    byId("reader-status").hidden = !message;
  }

  /** @param {string} title */
  #setTitle(title) {
    byId("reader-title").textContent = title;
    showTitle(title);
  }

  /** The book's name, and the ways to the chapters before and after this one. */
  #renderBook() {
    const book = this.#book;
    showText(byId("reader-book"), book?.title ?? "");
    const ways = /** @type {const} */ ([["previous-chapter", -1], ["next-chapter", 1]]);
    for (const [id, direction] of ways) {
      const chapter = book?.beside(direction);
      const link = byId(id, HTMLAnchorElement);
      link.hidden = !chapter;
      if (!book || !chapter) continue;
      const {bookId} = book.source;
      const {chapter_id: chapterId, title} = chapter;
      link.href = formatRoute({view: "chapter", bookId, chapterId});
      link.textContent = t(direction > 0 ? "reader.next" : "reader.previous", {title});
    }
    byId("download").hidden = !this.#source?.fileId;
    byId("download").textContent = t("reader.download");
  }

  /** The pages that could not be rendered: their numbers, and unfolded the reasons. */
  #renderBadPages() {
    const badPages = this.#source?.badPages ?? [];
    const [count, pages] = [badPages.length, badPages.map(({number}) => number).join(", ")];
    byId("bad-pages").hidden = count === 0;
    byId("bad-pages-title").textContent = t("reader.badPages", {count, pages});
    byId("bad-pages-list").replaceChildren(...badPages.map(({number, problem}) => {
      const item = element("li");
      const link = element("a", "", t("reader.page", {number}));
      if (this.#route) link.href = formatRoute({...this.#route, page: number});
      item.append(link, ` · ${formatFailure(problem)}`);
      return item;
    }));
  }

  #renderPlace() {
    const total = this.#source?.total ?? 0;
    if (document.activeElement !== this.#pageField) {
      this.#pageField.value = total ? String(this.#pages.current) : "";
    }
    this.#pageField.disabled = !total;
    byId("reader-total").textContent = total ? t("reader.total", {total}) : "";
    clearTimeout(this.#addressTimer);
    if (total) this.#addressTimer = setTimeout(() => this.#writeAddress(), ADDRESS_PAUSE_MS);
  }

  /**
   * A reload comes back to the page that is being read. If the address has changed in the meantime,
   * the user is about to leave, and it is not overwritten.
   */
  #writeAddress() {
    if (!this.#route || location.hash !== this.#address) return;
    const hash = formatRoute({...this.#route, page: this.#pages.current});
    history.replaceState(null, "", hash);
    this.#address = location.hash;
  }

  /** @param {KeyboardEvent} event */
  #onKey(event) {
    if (!this.#route || event.defaultPrevented || event.altKey) return;
    const isTyping = event.target instanceof HTMLInputElement;
    const hasCommand = event.ctrlKey || event.metaKey;
    // Without text to search, Ctrl+F is left to the browser's own search.
    const opensSearch = hasCommand
      ? event.key === "f" && this.#source?.isFinished
      : event.key === "/" && !isTyping;
    if (event.key === "Escape") {
      if (this.#menu.isOpen) return; // which the browser closes
      if (this.#search.isOpen) this.#search.close();
      else if (this.#contents.isOpen) this.#contents.close();
      else location.hash = "#/";
    } else if (hasCommand && event.key === "p" && this.#source?.isFinished) {
      this.#attempt(() => this.#print());
    } else if (opensSearch) {
      this.#search.open();
    } else {
      const action = this.#actionOf(event.key);
      if (hasCommand || isTyping || this.#pages.isScrolledBy(event) || !action) return;
      action();
    }
    event.preventDefault();
  }

  /**
   * @param {string} key
   * @returns {(() => void) | undefined}
   */
  #actionOf(key) {
    const pages = this.#pages;
    switch (key) {
      case "PageDown": return () => pages.scroll(0.9);
      case "PageUp": return () => pages.scroll(-0.9);
      case "ArrowDown": return () => pages.scroll(0.12);
      case "ArrowUp": return () => pages.scroll(-0.12);
      case "Home": return () => pages.goTo(1);
      case "End": return () => pages.goTo(Infinity);
      case "+": case "=": return () => pages.zoomBy(1);
      case "-": return () => pages.zoomBy(-1);
      case "0": return () => pages.zoomBy(0);
    }
    // Pages that are wider than the screen are scrolled sideways by these.
    if (pages.isWiderThanScreen) return undefined;
    switch (key) {
      case "ArrowRight": return () => pages.turn(1);
      case "ArrowLeft": return () => pages.turn(-1);
    }
    return undefined;
  }
}

/**
 * @param {JobRoute | ChapterRoute} one
 * @param {JobRoute | ChapterRoute} other
 */
function isSamePlace(one, other) {
  return formatRoute({...withoutQuery(one), page: undefined})
    === formatRoute({...withoutQuery(other), page: undefined});
}

/**
 * @template {JobRoute | ChapterRoute} T
 * @param {T} route
 * @returns {T}
 */
function withoutQuery(route) {
  return {...route, query: undefined};
}
