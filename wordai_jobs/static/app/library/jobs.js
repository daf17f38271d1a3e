/** The user's jobs: loaded, watched until they end, cancelled and tried again. Tells "change" and "ended". */

import {Estimate} from "./estimate.js";
import {phaseOf} from "./job-phase.js";
import {JobFailedError, PollError, pollJob} from "../../poll-job.js";
import {recall, remember} from "../shared/local-storage.js";

const PATH = "/api/v1/books/jobs";
/** The server ends every job in time; the page has no reason to give up before it. */
const FOREVER = 48 * 3_600_000;
const TITLES_KEPT = 300;

/** One job as the page knows it. */
export class Entry {
  /** @type {import("../../poll-job.js").Problem | null} */
  problem = null;
  /** @type {number | null} */
  queuePosition = null;
  estimate = new Estimate();
  /** @type {AbortController | null} */
  watcher = null;
  /** Why the last wish, to cancel or try again, was not granted. */
  refusal = "";

  /** @param {import("../../poll-job.js").Job} job @param {{title: string, bookId: string} | null} memory */
  constructor(job, memory) {
    this.job = job;
    this.memory = memory;
  }

  get hasEnded() {
    return this.job.status === "completed" || this.job.status === "failed";
  }

  /** @param {import("../../poll-job.js").Job} job @param {number} now in milliseconds */
  update(job, now) {
    this.job = job;
    if (job.status === "processing") this.estimate.add(now, phaseOf(job).done);
  }

  /** @param {number} now in milliseconds @returns {number | null} */
  secondsLeft(now) {
    const {name, total} = phaseOf(this.job);
    return name === "pages" ? this.estimate.secondsLeft(now, total) : null;
  }
}

export class Jobs extends EventTarget {
  /** @type {Map<string, Entry>} */
  entries = new Map();
  /** @type {string | null} */
  #cursor = null;

  /** @param {import("../shared/api.js").Api} api */
  constructor(api) {
    super();
    this.api = api;
    this.memories = recall("titles") ?? {};
  }

  /** Newest first. */
  get list() {
    return [...this.entries.values()].sort((one, other) => other.job.created_at.localeCompare(one.job.created_at));
  }

  get hasMore() {
    return this.#cursor !== null;
  }

  async load() {
    this.#take(await this.api.get(PATH));
  }

  async more() {
    this.#take(await this.api.get(`${PATH}?cursor=${encodeURIComponent(this.#cursor ?? "")}`));
  }

  /** A job that is not, or not yet, in the list. @param {string} jobId @param {AbortSignal} [signal] */
  async find(jobId, signal) {
    const known = this.entries.get(jobId);
    if (known) return known;
    const job = await this.api.get(`${PATH}/${encodeURIComponent(jobId)}`, signal);
    return this.#add(job);
  }

  /** A job that was just made. @param {import("../../poll-job.js").Job} job @param {{title: string, bookId: string} | null} memory */
  begin(job, memory) {
    if (memory) this.#memorize(job.job_id, memory);
    this.#add(job);
    this.#tell();
  }

  /** @param {Entry} entry */
  async cancel(entry) {
    await this.#wish(entry, async () => {
      entry.update(await this.api.post(`${PATH}/${entry.job.job_id}/cancel`), performance.now());
      this.#ended(entry);
    });
  }

  /** @param {Entry} entry @returns {Promise<string | null>} The id of the new job; null where the server refused. */
  retry(entry) {
    return this.#wish(entry, async () => {
      const job = await this.api.post(`${PATH}/${entry.job.job_id}/retry`);
      this.begin(job, entry.memory);
      return job.job_id;
    });
  }

  stop() {
    for (const entry of this.entries.values()) entry.watcher?.abort();
  }

  async #wish(entry, act) {
    entry.refusal = "";
    let outcome = null;
    try {
      outcome = await act();
    } catch (error) {
      entry.refusal = error.message;
    }
    this.#tell();
    return outcome;
  }

  #take({jobs, next_cursor: cursor}) {
    for (const job of jobs) this.#add(job);
    this.#cursor = cursor;
    this.#tell();
  }

  #add(job) {
    const known = this.entries.get(job.job_id);
    if (known) return known;
    const entry = new Entry(job, this.memories[job.job_id] ?? null);
    entry.update(job, performance.now());
    this.entries.set(job.job_id, entry);
    if (!entry.hasEnded) this.#watch(entry);
    return entry;
  }

  #watch(entry) {
    const watcher = new AbortController();
    entry.watcher = watcher;
    const polling = pollJob(`${PATH}/${entry.job.job_id}`, {
      getToken: (options) => this.api.session.getToken(options),
      signal: watcher.signal,
      maxDuration: FOREVER,
      onProgress: (job, {queuePosition}) => {
        entry.update(job, performance.now());
        entry.queuePosition = queuePosition;
        this.#tell();
      },
      onWaiting: (problem) => {
        entry.problem = problem;
        this.#tell();
      },
    });
    polling.then(() => this.#ended(entry), (error) => {
      if (!watcher.signal.aborted) this.#stopped(entry, error);
    });
  }

  #stopped(entry, error) {
    if (error instanceof JobFailedError) this.#ended(entry);
    else if (error instanceof PollError) this.#lost(entry, error);
    else throw error;
  }

  #lost(entry, {status, message}) {
    if (status === 401) this.api.session.expire();
    if (status === 403 || status === 404) this.entries.delete(entry.job.job_id);
    entry.refusal = message;
    this.#tell();
  }

  #ended(entry) {
    if (!entry.watcher) return;  // a cancelled job ends twice: by the answer to that, and by the poll that was under way
    entry.watcher.abort();
    entry.watcher = null;
    entry.problem = null;
    this.#tell();
    this.dispatchEvent(new CustomEvent("ended", {detail: entry}));
  }

  #tell() {
    this.dispatchEvent(new Event("change"));
  }

  #memorize(jobId, memory) {
    const kept = Object.entries(this.memories).slice(-TITLES_KEPT);
    this.memories = {...Object.fromEntries(kept), [jobId]: memory};
    remember("titles", this.memories);
  }
}
