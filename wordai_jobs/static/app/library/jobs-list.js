/** The list of jobs, each with its phase, pages, time left, and what can be done about it. */

import {arrange, byId, find, fromTemplate, showText} from "../shared/dom.js";
import {formatFailure, formatTime, formatTimeLeft} from "../shared/format.js";
import {t} from "../shared/i18n.js";
import {formatRoute} from "../shared/router.js";
import {phaseOf} from "./job-phase.js";
import {LEAVING_BAD_PAGES_BLANK, titleOf} from "./jobs.js";
import {ProgressAnnouncer} from "./progress-announcer.js";

/**
 * @typedef {import("./jobs.js").JobEntry} JobEntry
 * @typedef {import("./jobs.js").RetryOptions} RetryOptions
 */

const CANCELLED = "Cancelled by user";

export class JobsList {
  /** @type {Map<string, HTMLElement>} By job. */
  #items = new Map();
  #announcer = new ProgressAnnouncer();

  /**
   * @param {import("./jobs.js").Jobs} jobs
   * @param {import("./books.js").Books} books
   */
  constructor(jobs, books) {
    this.jobs = jobs;
    this.books = books;
    jobs.addEventListener("change", () => this.render());
    jobs.addEventListener("ended", (event) => {
      const {detail: entry} = /** @type {CustomEvent<JobEntry>} */ (event);
      this.#announcer.ended(entry.job, titleOf(entry, books));
    });
    books.addEventListener("change", () => this.render());
    byId("jobs-more").onclick = () => this.#attempt(() => jobs.loadMore());
    // While a page takes long, the time left grows although no poll brings anything new.
    setInterval(() => this.#renderTimesLeft(), 1000);
  }

  load() {
    return this.#attempt(() => this.jobs.load());
  }

  render() {
    const entries = this.jobs.list;
    arrange(byId("jobs"), entries.map((entry) => this.#renderJob(entry)));
    byId("jobs-empty").hidden = entries.length > 0;
    byId("jobs-more").hidden = !this.jobs.hasMore;
    for (const entry of entries) this.#announcer.progress(entry.job, titleOf(entry, this.books));
  }

  #renderTimesLeft() {
    for (const entry of this.jobs.list) {
      const item = this.#items.get(entry.job.job_id);
      if (item && !entry.hasEnded) showText(find(item, ".job-left"), timeLeftText(entry));
    }
  }

  /** @param {() => Promise<void>} act */
  async #attempt(act) {
    try {
      await act();
      showText(byId("jobs-error"), "");
    } catch (error) {
      showText(byId("jobs-error"), error.message);
    }
  }

  /** @param {JobEntry} entry */
  #renderJob(entry) {
    const {job, problem, refusal, hasEnded} = entry;
    const item = this.#items.get(job.job_id) ?? this.#createItem(entry);
    const title = titleOf(entry, this.books);
    const phase = phaseOf(job);
    const state = job.error === CANCELLED ? "cancelled" : job.status;
    const hasFailed = job.status === "failed";
    const isCounted = phase.total > 0 && !hasEnded;
    const failure = hasFailed ? formatFailure(job.error ?? "") : "";

    item.dataset.state = state;
    const showPart = (/** @type {string} */ name, /** @type {string} */ text) => {
      showText(find(item, `.job-${name}`), text);
    };
    showPart("title", title);
    showPart("state", t(`job.${state}`));
    showPart("phase", phaseText(entry, phase));
    showPart("pages", isCounted ? t("job.pages", {done: phase.done, total: phase.total}) : "");
    showPart("left", timeLeftText(entry));
    showPart("waiting", problem && !hasEnded ? t("job.waiting") : "");
    showPart("error", refusal || failure);

    const bar = find(item, ".job-progress", HTMLProgressElement);
    bar.hidden = hasEnded;
    bar.value = job.progress;
    bar.setAttribute("aria-label", t("job.progressOf", {title}));

    const read = find(item, ".job-read", HTMLAnchorElement);
    const readText = t(hasEnded ? "job.read" : "job.readSoFar");
    showText(read, hasFailed || phase.done === 0 ? "" : readText);
    read.href = formatRoute({view: "job", jobId: job.job_id, page: 1});
    read.setAttribute("aria-label", `${readText}: ${title}`);

    const retry = find(item, ".job-retry");
    retry.hidden = !hasFailed;
    retry.setAttribute("aria-label", t("job.retryOf", {title}));

    const retryBlank = find(item, ".job-retry-blank");
    retryBlank.hidden = !entry.hasBadPage;
    retryBlank.setAttribute("aria-label", t("job.retryBlankOf", {title}));

    const cancel = find(item, ".job-cancel");
    cancel.hidden = hasEnded;
    cancel.setAttribute("aria-label", t("job.cancelOf", {title}));
    return item;
  }

  /** @param {JobEntry} entry */
  #createItem(entry) {
    const jobId = entry.job.job_id;
    const item = fromTemplate("job-template");
    item.dataset.jobId = jobId;
    find(item, ".job-cancel").onclick = () => whileDisabled(item, () => this.jobs.cancel(entry));
    const retry = async (/** @type {RetryOptions | undefined} */ options) => {
      if (await this.jobs.retry(entry, options)) byId("jobs-title").focus();
    };
    find(item, ".job-retry").onclick = () => whileDisabled(item, () => retry(undefined));
    find(item, ".job-retry-blank").onclick = () => (
      whileDisabled(item, () => retry(LEAVING_BAD_PAGES_BLANK)));
    this.#items.set(jobId, item);
    return item;
  }
}

/**
 * The item's buttons are disabled until `act` is done.
 *
 * @param {HTMLElement} item
 * @param {() => Promise<void>} act
 */
async function whileDisabled(item, act) {
  const buttons = item.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  await act();
  for (const button of buttons) button.disabled = false;
  if (item.contains(document.activeElement)) return;
  [...buttons].find((button) => !button.hidden)?.focus();
}

/**
 * @param {JobEntry} entry
 * @param {import("./job-phase.js").Phase} phase
 */
function phaseText({job, queuePosition}, {name, total}) {
  switch (job.status) {
    case "completed": {
      const finished = t("job.finished", {date: formatTime(job.completed_at ?? job.updated_at)});
      return `${t("job.pagesTotal", {count: total})} · ${finished}`;
    }
    case "failed":
      return t("job.endedAt", {date: formatTime(job.failed_at ?? job.updated_at)});
    case "pending":
      return queuePosition ? t("phase.queued", {position: queuePosition}) : t("phase.pending");
    default:
      return t(`phase.${name}`);
  }
}

/** @param {JobEntry} entry */
function timeLeftText(entry) {
  const seconds = entry.hasEnded || entry.problem ? null : entry.secondsLeft(performance.now());
  return seconds === null ? "" : formatTimeLeft(seconds);
}
