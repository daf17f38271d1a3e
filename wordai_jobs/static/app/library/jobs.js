/** The user's jobs: loaded, watched until they end, cancelled and retried. */

import {JobFailedError, PollError, pollJob} from "../../poll-job.js";
import {formatTime} from "../shared/format.js";
import {t} from "../shared/i18n.js";
import {recall, remember} from "../shared/local-storage.js";
import {Estimate} from "./estimate.js";
import {phaseOf} from "./job-phase.js";

/**
 * @typedef {import("../../poll-job.js").Job} Job
 * @typedef {{title: string, bookId: string}} Submission  What a job was created for. The job itself
 *   does not say it, so the browser that uploaded the PDF remembers it.
 * @typedef {{on_bad_page: "fail" | "placeholder"}} RetryOptions
 */

const PATH = "/api/v1/books/jobs";
/** The server ends every job in time, so the app does not give up before the server does. */
const MAX_DURATION_MS = 48 * 3_600_000;
const STORAGE_KEY = "titles";
const HIDDEN_KEY = "hidden-jobs";
const SUBMISSIONS_KEPT = 300;
/** Most jobs take less than the server's usual pause between polls. */
const FIRST_PAUSES_MS = [200, 400, 800];
/** A job that has just been created seldom waits longer than this. */
const MOMENT_MS = 1200;
/** The errors that a page causes. */
const BAD_PAGE = /^(Page \d+ .*|Out of memory)$/;

/** @type {RetryOptions} */
export const LEAVING_BAD_PAGES_BLANK = {on_bad_page: "placeholder"};

/** What the app knows about one job. */
export class JobEntry {
  /** @type {import("../../poll-job.js").Problem | null} Why the last poll failed. */
  problem = null;
  /** @type {number | null} */
  queuePosition = null;
  estimate = new Estimate();
  /** @type {AbortController | null} Ends polling. */
  watcher = null;
  /** Why the job could not be cancelled, retried or polled, as a message. */
  refusal = "";
  /** Whether the user has put the card of a failed job away. */
  isHidden = false;
  #knownSince = performance.now();

  /**
   * @param {Job} job
   * @param {Submission | null} submission
   */
  constructor(job, submission) {
    this.job = job;
    this.submission = submission;
  }

  get hasEnded() {
    return this.job.status === "completed" || this.job.status === "failed";
  }

  /** Whether the job has been waiting for its turn for longer than a moment. */
  get isQueued() {
    const isNew = performance.now() - this.#knownSince < MOMENT_MS;
    return this.job.status === "pending" && (!isNew || (this.queuePosition ?? 0) > 1);
  }

  /** Whether a page has made the job fail, so that it can be retried with bad pages left blank. */
  get hasBadPage() {
    return this.job.status === "failed" && BAD_PAGE.test(this.job.error ?? "");
  }

  /**
   * @param {Job} job
   * @param {number} now  In milliseconds.
   */
  update(job, now) {
    this.job = job;
    if (job.status === "processing") this.estimate.add(now, phaseOf(job).done);
  }

  /**
   * @param {number} now  In milliseconds.
   * @returns {number | null}
   */
  secondsLeft(now) {
    const {name, total} = phaseOf(this.job);
    return name === "pages" ? this.estimate.secondsLeft(now, total) : null;
  }
}

/**
 * @param {JobEntry} entry
 * @param {import("./books.js").Books} books
 */
export function titleOf({job, submission}, books) {
  return books.chapter(job.result?.chapter_id)?.title
    ?? submission?.title
    ?? t("job.untitled", {date: formatTime(job.created_at)});
}

/** Dispatches "change", and "ended" with the entry of a job that has just ended. */
export class Jobs extends EventTarget {
  /** @type {Map<string, JobEntry>} By job. */
  entries = new Map();
  /** @type {string | null} */
  #cursor = null;
  /** @type {Record<string, Submission>} By job. */
  #submissions = recall(STORAGE_KEY) ?? {};
  /** @type {string[]} Ids of failed jobs whose cards have been put away. */
  #hidden = recall(HIDDEN_KEY) ?? [];

  /** @param {import("../shared/api.js").Api} api */
  constructor(api) {
    super();
    this.api = api;
  }

  /** Newest first. */
  get list() {
    return [...this.entries.values()].sort(
      (one, other) => other.job.created_at.localeCompare(one.job.created_at));
  }

  get hasMore() {
    return this.#cursor !== null;
  }

  /** Reads the newest jobs; again, to take up what other tabs and devices have started. */
  load() {
    return this.#load(PATH);
  }

  loadMore() {
    return this.#load(`${PATH}?cursor=${encodeURIComponent(this.#cursor ?? "")}`);
  }

  /**
   * A job, which may not be in the list.
   *
   * @param {string} jobId
   * @param {AbortSignal} signal
   */
  async find(jobId, signal) {
    const known = this.entries.get(jobId);
    return known ?? this.#add(await this.api.get(`${PATH}/${encodeURIComponent(jobId)}`, signal));
  }

  /**
   * A job that has just been created.
   *
   * @param {Job} job
   * @param {Submission | null} submission
   */
  begin(job, submission) {
    if (submission) {
      const kept = Object.entries(this.#submissions).slice(-SUBMISSIONS_KEPT);
      this.#submissions = {...Object.fromEntries(kept), [job.job_id]: submission};
      remember(STORAGE_KEY, this.#submissions);
    }
    this.#add(job);
    this.#changed();
  }

  /**
   * Puts the card of a job that has failed away.
   *
   * @param {JobEntry} entry
   */
  hide(entry) {
    entry.isHidden = true;
    this.#hidden = [...this.#hidden, entry.job.job_id].slice(-SUBMISSIONS_KEPT);
    remember(HIDDEN_KEY, this.#hidden);
    this.#changed();
  }

  /** @param {JobEntry} entry */
  async cancel(entry) {
    await this.#attempt(entry, "job.cancelFailed", async () => {
      entry.update(await this.api.post(`${PATH}/${entry.job.job_id}/cancel`), performance.now());
      this.#ended(entry);
    });
  }

  /**
   * @param {JobEntry} entry
   * @param {RetryOptions} [options]
   * @returns {Promise<string | null>}  The id of the new job; null if the server refused.
   */
  async retry(entry, options) {
    let jobId = null;
    await this.#attempt(entry, "job.retryFailed", async () => {
      const job = await this.api.post(`${PATH}/${entry.job.job_id}/retry`, options);
      this.begin(job, entry.submission);
      this.hide(entry);
      jobId = job.job_id;
    });
    return jobId;
  }

  /** @param {string} path */
  async #load(path) {
    const {jobs, next_cursor: cursor} = await this.api.get(path);
    for (const job of jobs) this.#add(job);
    this.#cursor = cursor;
    this.#changed();
  }

  /**
   * @param {JobEntry} entry
   * @param {string} key  Of the message for a failure.
   * @param {() => Promise<void>} act
   */
  async #attempt(entry, key, act) {
    entry.refusal = "";
    try {
      await act();
    } catch (error) {
      entry.refusal = t(key, {detail: error.message});
    }
    this.#changed();
  }

  /** @param {Job} job */
  #add(job) {
    const known = this.entries.get(job.job_id);
    if (known) return known;
    const entry = new JobEntry(job, this.#submissions[job.job_id] ?? null);
    entry.isHidden = this.#hidden.includes(job.job_id);
    entry.update(job, performance.now());
    this.entries.set(job.job_id, entry);
    if (!entry.hasEnded) this.#watch(entry);
    return entry;
  }

  /** @param {JobEntry} entry */
  async #watch(entry) {
    const watcher = new AbortController();
    entry.watcher = watcher;
    try {
      await pollJob(`${PATH}/${entry.job.job_id}`, {
        getToken: (options) => this.api.session.getToken(options),
        signal: watcher.signal,
        maxDuration: MAX_DURATION_MS,
        firstPauses: FIRST_PAUSES_MS,
        onProgress: (job, {queuePosition}) => {
          entry.update(job, performance.now());
          entry.queuePosition = queuePosition;
          this.#changed();
        },
        onWaiting: (problem) => {
          entry.problem = problem;
          this.#changed();
        },
      });
      this.#ended(entry);
    } catch (error) {
      if (watcher.signal.aborted) return;
      if (error instanceof JobFailedError) this.#ended(entry);
      else if (error instanceof PollError) this.#lost(entry, error);
      else throw error;
    }
  }

  /**
   * Polling has ended and the job perhaps has not.
   *
   * @param {JobEntry} entry
   * @param {PollError} error
   */
  #lost(entry, {status, message}) {
    if (status === 401) this.api.session.expire();
    if (status === 403 || status === 404) this.entries.delete(entry.job.job_id);
    entry.refusal = t("job.pollFailed", {detail: message});
    this.#changed();
  }

  /** @param {JobEntry} entry */
  #ended(entry) {
    // A cancelled job ends twice: by the response to the request, and by the poll under way.
    if (!entry.watcher) return;
    entry.watcher.abort();
    entry.watcher = null;
    entry.problem = null;
    this.#changed();
    this.dispatchEvent(new CustomEvent("ended", {detail: entry}));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}
