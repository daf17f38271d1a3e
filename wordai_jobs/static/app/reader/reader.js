/** The reader: a finished chapter, or a job's pages as they appear. */

import {announce} from "../shared/announcer.js";
import {oneAtATime} from "../shared/concurrency.js";
import {byId, show} from "../shared/dom.js";
import {failure, percent} from "../shared/format.js";
import {t} from "../shared/i18n.js";
import {phaseOf} from "../library/job-phase.js";
import {titleOf} from "../library/jobs-list.js";
import {PageSource} from "./page-source.js";
import {ReaderPages} from "./reader-pages.js";
import {formatRoute} from "../shared/router.js";
import {SearchPanel} from "./search-panel.js";

const ADDRESS_PAUSE = 250;
const RENEWAL_PAUSE = 15_000;

export class Reader {
  #reading = new AbortController();
  /** @type {PageSource | null} */
  #source = null;
  /** @type {import("../shared/router.js").Route | null} */
  #route = null;
  #pages = new ReaderPages();
  #search = new SearchPanel(this.#pages);
  #addressTimer = 0;
  /** What the address was when it was last looked at or written. */
  #address = "";
  #renewalTimer = 0;
  #renewedAt = -Infinity;

  /** @param {import("../shared/api.js").Api} api @param {import("../library/jobs.js").Jobs} jobs @param {import("../library/books.js").Books} books */
  constructor(api, jobs, books) {
    this.api = api;
    this.jobs = jobs;
    this.books = books;
    this.#listen();
  }

  /** @param {import("../shared/router.js").Route} route */
  async open(route) {
    this.#address = location.hash;
    if (this.#isOpen(route)) return this.#pages.goTo(route.page);
    this.close();
    this.#reading = new AbortController();
    this.#route = route;
    this.#source = new PageSource(this.api, this.#reading.signal);
    this.#show(this.#source);
    this.#setTitle(t("reader.loading"));
    byId("reader-title").focus();
    await this.#guarded(() => (route.view === "job" ? this.#openJob(route) : this.#openChapter(route)));
  }

  close() {
    this.#reading.abort();
    clearTimeout(this.#addressTimer);
    this.#route = null;
    this.#status("");
  }

  #isOpen(route) {
    return this.#route && formatRoute({...this.#route, page: 1}) === formatRoute({...route, page: 1});
  }

  #listen() {
    this.#pages.addEventListener("page", () => this.#renderPlace());
    this.#pages.addEventListener("zoom", () => this.#renderZoom());
    this.#pages.addEventListener("broken", () => this.#onBroken());
    byId("zoom-in").onclick = () => this.#pages.zoomTo(1);
    byId("zoom-out").onclick = () => this.#pages.zoomTo(-1);
    byId("zoom-reset").onclick = () => this.#pages.zoomTo(0);
    byId("reader-place").onsubmit = (event) => {
      event.preventDefault();
      this.#pages.goTo(Number(byId("reader-page").value) || this.#pages.current);
      this.#renderPlace();
      this.#pages.focus();
    };
    byId("reader-page").onblur = () => this.#renderPlace();
    document.addEventListener("keydown", (event) => this.#onKey(event));
  }

  async #openChapter({bookId, chapterId, page}) {
    const source = this.#source;
    await source.readChapter(bookId, chapterId);
    source.signal.throwIfAborted();
    this.#setTitle(source.title);
    this.#pages.update();
    this.#arrive(page);
  }

  async #openJob({jobId, page}) {
    const {signal} = this.#reading;
    const entry = await this.jobs.find(jobId, signal);
    this.#setTitle(titleOf(entry, this.books));
    byId("reader-retry").onclick = () => this.#retry(entry);
    const source = this.#source;
    const follow = oneAtATime(() => this.#follow(source, entry));
    this.jobs.addEventListener("change", () => this.#guarded(follow), {signal});
    await follow();
    if (!signal.aborted) this.#arrive(page);
  }

  /** What a job has made since it was last looked at. */
  async #follow(source, entry) {
    if (source.isFinished || source.signal.aborted) return;
    const phase = phaseOf(entry.job);
    this.#renderJob(entry, phase);
    if (entry.problem || (phase.done === source.pages.size && phase.name !== "completed")) return;
    await source.readJob(entry.job.job_id);
    if (phase.name === "completed") await this.#finish(source);
    source.signal.throwIfAborted();
    this.#pages.update();
    this.#renderPlace();
  }

  /** The chapter has the pages that the job made: reading goes on where it was, and the address is the chapter's. */
  async #finish(source) {
    if (!source.chapterId) throw new Error(t("reader.gone"));
    await source.readChapter(source.bookId, source.chapterId);
    source.signal.throwIfAborted();
    const {bookId, chapterId} = source;
    this.#route = {view: "chapter", bookId, chapterId, page: this.#pages.current};
    this.#setTitle(source.title);
    this.#status("");
    this.#writeAddress();
    this.#search.refresh();
  }

  #renderJob({job, problem}, {done, total}) {
    byId("reader-progress").hidden = job.status === "failed";
    byId("reader-progress").value = job.progress;
    byId("reader-retry").hidden = job.status !== "failed";
    if (job.status === "failed") this.#status(t("reader.failed", {detail: failure(job.error ?? "")}));
    else if (problem) this.#status(t("job.waiting"));
    else this.#status(done ? t("reader.running", {done, total}) : t("reader.starting"));
  }

  async #retry(entry) {
    const jobId = await this.jobs.retry(entry);
    if (jobId) location.hash = formatRoute({view: "job", jobId, page: 1});
    else this.#status(t("job.startFailed", {detail: entry.refusal}));
  }

  #show(source) {
    this.#pages.open(source);
    this.#search.use(source);
    this.#renderPlace();
    this.#renderZoom();
  }

  #arrive(page) {
    this.#pages.goTo(page);
    this.#renderPlace();
    this.#pages.focus();
  }

  /** Images cannot be had: their addresses have expired, or the server is away. Many fail at once; one renewal is for all. */
  #onBroken() {
    if (this.#renewalTimer) return;
    const {signal} = this.#reading;
    const sinceLast = performance.now() - this.#renewedAt;
    this.#renewalTimer = setTimeout(() => {
      this.#renewalTimer = 0;
      this.#renewedAt = performance.now();
      if (!signal.aborted) this.#guarded(() => this.#renew());
    }, Math.max(0, RENEWAL_PAUSE - sinceLast));
  }

  async #renew() {
    await this.#source.renew();
    this.#pages.update();
  }

  async #guarded(act) {
    const {signal} = this.#reading;
    try {
      await act();
    } catch (error) {
      if (!signal.aborted) this.#fail(error);
    }
  }

  #fail(error) {
    byId("reader-progress").hidden = true;
    byId("reader-retry").hidden = true;
    this.#status(error.message);
  }

  #status(words) {
    show(byId("reader-status-text"), words);
    byId("reader-status").hidden = !words;
  }

  #setTitle(title) {
    byId("reader-title").textContent = title;
    document.title = `${title} · WordAI Books`;
  }

  #renderPlace() {
    const {total = 0} = this.#source ?? {};
    if (document.activeElement !== byId("reader-page")) byId("reader-page").value = total ? String(this.#pages.current) : "";
    byId("reader-page").disabled = !total;
    byId("reader-total").textContent = total ? t("reader.total", {total}) : "";
    clearTimeout(this.#addressTimer);
    if (total) this.#addressTimer = setTimeout(() => this.#writeAddress(), ADDRESS_PAUSE);
  }

  /** A reload comes back to the page that is being read. Another address is where the user is about to go. */
  #writeAddress() {
    if (!this.#route || location.hash !== this.#address) return;
    history.replaceState(null, "", formatRoute({...this.#route, page: this.#pages.current}));
    this.#address = location.hash;
  }

  #renderZoom() {
    const words = percent(this.#pages.zoom);
    byId("zoom-reset").textContent = words;
    byId("zoom-reset").setAttribute("aria-label", t("reader.zoomNow", {percent: words}));
    if (this.#pages.zoom !== 1) announce(t("say.zoom", {percent: words}));
  }

  #onKey(event) {
    if (!this.#route || event.defaultPrevented || event.altKey) return;
    if (event.key === "Escape") this.#escape();
    else if (isFind(event) && (this.#source?.isFinished || !hasCommand(event))) this.#search.open();
    else if (hasCommand(event) || isTyping(event) || this.#pages.scrollsBy(event) || !this.#move(event.key)) return;
    event.preventDefault();
  }

  #escape() {
    if (this.#search.isOpen) this.#search.close();
    else location.hash = "#/";
  }

  /** @returns {boolean} Whether the key means something here. */
  #move(key) {
    const pages = this.#pages;
    const moves = {
      PageDown: () => pages.scroll(0.9), PageUp: () => pages.scroll(-0.9), ArrowDown: () => pages.scroll(0.12),
      ArrowUp: () => pages.scroll(-0.12), Home: () => pages.goTo(1), End: () => pages.goTo(Infinity),
      "+": () => pages.zoomTo(1), "=": () => pages.zoomTo(1), "-": () => pages.zoomTo(-1), "0": () => pages.zoomTo(0),
      ...pages.isWiderThanScreen ? {} : {
        ArrowRight: () => pages.goTo(pages.current + 1), ArrowLeft: () => pages.goTo(pages.current - 1),
      },
    };
    moves[key]?.();
    return key in moves;
  }
}

function hasCommand(event) {
  return event.ctrlKey || event.metaKey;
}

function isFind(event) {
  return hasCommand(event) ? event.key === "f" : event.key === "/" && !isTyping(event);
}

function isTyping({target}) {
  return target instanceof HTMLInputElement;
}
