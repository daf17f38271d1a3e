/** The reader: a finished chapter, or a job's pages as they appear. */

import {phaseOf} from "../library/job-phase.js";
import {LEAVING_BAD_PAGES_BLANK, titleOf} from "../library/jobs.js";
import {announce} from "../shared/announcer.js";
import {oneAtATime} from "../shared/concurrency.js";
import {byId, element, showText} from "../shared/dom.js";
import {formatFailure, formatPercent} from "../shared/format.js";
import {t} from "../shared/i18n.js";
import {formatRoute} from "../shared/router.js";
import {showTitle} from "../shared/window-title.js";
import {PageSource} from "./page-source.js";
import {ReaderPages} from "./reader-pages.js";
import {SearchPanel} from "./search-panel.js";

/**
 * @typedef {import("../library/jobs.js").JobEntry} JobEntry
 * @typedef {import("../shared/router.js").JobRoute} JobRoute
 * @typedef {import("../shared/router.js").ChapterRoute} ChapterRoute
 */

/** The address names the page once the reader has stayed on it for a moment. */
const ADDRESS_PAUSE_MS = 250;
/** Images that cannot be loaded are tried again no more often than this. */
const RENEWAL_PAUSE_MS = 15_000;

export class Reader {
  #pageField = byId("reader-page", HTMLInputElement);
  #zoomButton = byId("zoom-reset");
  #retryButton = byId("reader-retry");
  #retryBlankButton = byId("reader-retry-blank");
  #progress = byId("reader-progress", HTMLProgressElement);
  #pages = new ReaderPages();
  #search = new SearchPanel(this.#pages);
  /** Ends all reading for what is open now. */
  #reading = new AbortController();
  /** @type {PageSource | null} */
  #source = null;
  /** @type {JobRoute | ChapterRoute | null} What is open now. */
  #route = null;
  /** The address when it was last read or written here. */
  #address = "";
  #addressTimer = 0;
  #renewalTimer = 0;
  #renewedAt = -Infinity;

  /**
   * @param {import("../shared/api.js").Api} api
   * @param {import("../library/jobs.js").Jobs} jobs
   * @param {import("../library/books.js").Books} books
   */
  constructor(api, jobs, books) {
    this.api = api;
    this.jobs = jobs;
    this.books = books;
    this.#pages.addEventListener("page", () => this.#renderPlace());
    this.#pages.addEventListener("zoom", () => this.#renderZoom());
    this.#pages.addEventListener("broken", () => this.#renewSoon());
    byId("zoom-in").onclick = () => this.#pages.zoomTo(1);
    byId("zoom-out").onclick = () => this.#pages.zoomTo(-1);
    this.#zoomButton.onclick = () => this.#pages.zoomTo(0);
    byId("reader-place").onsubmit = (event) => {
      event.preventDefault();
      this.#startAt(Number(this.#pageField.value) || this.#pages.current);
    };
    this.#pageField.onblur = () => this.#renderPlace();
    document.addEventListener("keydown", (event) => this.#onKey(event));
  }

  /** @param {JobRoute | ChapterRoute} route */
  async open(route) {
    this.#address = location.hash;
    if (this.#route && isSamePlace(this.#route, route)) {
      this.#pages.goTo(route.page);
      return;
    }
    this.close();
    this.#reading = new AbortController();
    this.#route = route;
    const source = new PageSource(this.api, this.#reading.signal);
    this.#source = source;
    this.#pages.open(source);
    this.#search.use(source);
    this.#renderBadPages();
    this.#renderPlace();
    this.#renderZoom();
    this.#setTitle(t("reader.loading"));
    byId("reader-title").focus();
    await this.#attempt(() => (
      route.view === "job" ? this.#openJob(source, route) : this.#openChapter(source, route)));
  }

  close() {
    this.#reading.abort();
    clearTimeout(this.#addressTimer);
    this.#route = null;
    this.#showStatus("");
  }

  /**
   * @param {PageSource} source
   * @param {ChapterRoute} route
   */
  async #openChapter(source, {bookId, chapterId, page}) {
    await source.readChapter(bookId, chapterId);
    source.signal.throwIfAborted();
    this.#setTitle(source.title);
    this.#pages.update();
    this.#renderBadPages();
    this.#startAt(page);
  }

  /**
   * @param {PageSource} source
   * @param {JobRoute} route
   */
  async #openJob(source, {jobId, page}) {
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
    await source.readJob(job.job_id);
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
    await source.readChapter(bookId, chapterId);
    source.signal.throwIfAborted();
    this.#route = {view: "chapter", bookId, chapterId, page: this.#pages.current};
    this.#setTitle(source.title);
    this.#showStatus("");
    this.#writeAddress();
    this.#search.refresh();
  }

  /**
   * @param {JobEntry} entry
   * @param {import("../library/jobs.js").RetryOptions} [options]
   */
  async #retry(entry, options) {
    const jobId = await this.jobs.retry(entry, options);
    if (jobId) location.hash = formatRoute({view: "job", jobId, page: 1});
    else this.#showStatus(entry.refusal);
  }

  /** @param {number} page */
  #startAt(page) {
    this.#pages.goTo(page);
    this.#renderPlace();
    this.#pages.focus();
  }

  /**
   * An image cannot be loaded: its URL has expired, or the server is away. Usually several fail at
   * once, and one renewal serves all of them.
   */
  #renewSoon() {
    const source = this.#source;
    if (this.#renewalTimer || !source) return;
    const sinceLast = performance.now() - this.#renewedAt;
    this.#renewalTimer = setTimeout(() => {
      this.#renewalTimer = 0;
      this.#renewedAt = performance.now();
      if (source.signal.aborted) return;
      this.#attempt(async () => {
        await source.renew();
        this.#pages.update();
      });
    }, Math.max(0, RENEWAL_PAUSE_MS - sinceLast));
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

  #renderZoom() {
    const {zoom} = this.#pages;
    const percent = formatPercent(zoom);
    this.#zoomButton.textContent = zoom === 1 ? t("reader.zoomReset") : percent;
    this.#zoomButton.setAttribute("aria-label", t("reader.zoomNow", {percent}));
    if (zoom !== 1) announce(t("say.zoom", {percent}));
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
      if (this.#search.isOpen) this.#search.close();
      else location.hash = "#/";
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
      case "+": case "=": return () => pages.zoomTo(1);
      case "-": return () => pages.zoomTo(-1);
      case "0": return () => pages.zoomTo(0);
    }
    // Pages that are wider than the screen are scrolled sideways by these.
    if (pages.isWiderThanScreen) return undefined;
    switch (key) {
      case "ArrowRight": return () => pages.goTo(pages.current + 1);
      case "ArrowLeft": return () => pages.goTo(pages.current - 1);
    }
    return undefined;
  }
}

/**
 * @param {JobRoute | ChapterRoute} one
 * @param {JobRoute | ChapterRoute} other
 */
function isSamePlace(one, other) {
  return formatRoute({...one, page: 1}) === formatRoute({...other, page: 1});
}
