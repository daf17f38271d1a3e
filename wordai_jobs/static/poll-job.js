/**
 * Polls a job of the service until it ends. One module without dependencies, for web pages of the
 * server itself and of the origins in its setting `cors.origins`:
 *
 *     import {pollJob} from "https://books.example/static/poll-job.js";
 *     const job = await pollJob("https://books.example/api/v1/books/jobs/…", {
 *       getToken: ({forceRefresh}) => auth.currentUser.getIdToken(forceRefresh),
 *       onProgress: (job) => { bar.value = job.progress; },
 *     });
 *
 * If the server restarts, the network fails or a proxy sends 502, polling goes on: more and more
 * slowly, at least every 10 s, and at the usual pace again after the first good response. All
 * durations are milliseconds.
 *
 * @module
 */

/**
 * @typedef {object} Job  As the service sends it.
 * @property {string} job_id
 * @property {string} user_id
 * @property {"pending" | "processing" | "completed" | "failed"} status
 * @property {number} progress  0 to 100, never falls.
 * @property {string} message
 * @property {{chapter_id: string, total_pages: number}} [result]  Only when completed.
 * @property {string} [error]  Only when failed: what went wrong, for the user to read.
 * @property {string} created_at
 * @property {string} updated_at
 * @property {string} [completed_at]
 * @property {string} [failed_at]
 */

/**
 * @typedef {object} Problem  Why a poll failed.
 * @property {number} status  The HTTP status; 0 if there was no response.
 * @property {string} message  From the server if it sent one.
 * @property {number} retryIn  How long until the next poll.
 */

/**
 * @typedef {object} Environment  What the module takes from its surroundings; for tests.
 * @property {typeof fetch} [fetch]
 * @property {() => number} [now]
 * @property {() => number} [random]
 * @property {(callback: () => void, delay: number) => any} [setTimeout]  Between polls.
 * @property {(timer: any) => void} [clearTimeout]
 * @property {{hidden: boolean} & EventTarget} [document]
 */

/**
 * @typedef {object} PollOptions
 * @property {(options: {forceRefresh: boolean}) => string | null | Promise<string | null>} getToken
 *   Called before every poll, and with `forceRefresh` once more after a 401. null means that nobody
 *   is signed in, which ends polling. A rejection counts as a network problem.
 * @property {AbortSignal} [signal]  Ends polling; the promise rejects with its reason.
 * @property {(job: Job, details: {queuePosition: number | null}) => void} [onProgress]
 *   Called for every new state of the job, including the last one.
 * @property {(problem: Problem | null) => void} [onWaiting]
 *   Called when a poll failed and will be repeated; with null after the first good response.
 * @property {number[]} [firstPauses]  Between the first polls of a job that is not in the queue
 *   behind others, instead of `interval` and `Retry-After`; none by default.
 * @property {number} [interval]  Between polls, unless the server's `Retry-After` is longer.
 * @property {number} [maxDuration]  Of the whole polling.
 * @property {number} [requestTimeout]  Of one request.
 * @property {Environment} [environment]
 */

const LONGEST_BACKOFF = 10_000;
const HIDDEN_FACTOR = 5;

/**
 * Polling ended before the job did: access was denied, the job was not found, or nobody is signed
 * in any more. `status` is the HTTP status, 0 if there was no response.
 */
export class PollError extends Error {
  /**
   * @param {string} message
   * @param {number} [status]
   */
  constructor(message, status = 0) {
    super(message);
    this.name = "PollError";
    this.status = status;
  }
}

/**
 * The job had not ended within `maxDuration`. It may still end. `job` is its last known state, null
 * if there was none.
 */
export class PollTimeoutError extends PollError {
  /**
   * @param {number} maxDuration
   * @param {Job | null} job
   */
  constructor(maxDuration, job) {
    super(`The job had not ended after ${formatDuration(maxDuration)}`);
    this.name = "PollTimeoutError";
    this.job = job;
  }
}

/** The job failed. The message is the job's error, `job` its last state. */
export class JobFailedError extends Error {
  /** @param {Job} job */
  constructor(job) {
    super(job.error || job.message);
    this.name = "JobFailedError";
    this.job = job;
  }
}

/**
 * Polls until the job ends.
 *
 * Rejects with JobFailedError if the job failed, with PollTimeoutError after `maxDuration`, with
 * the signal's reason once it is aborted, and with PollError if polling again would not help: after
 * 401 with a fresh token, 403, 404 and all other responses that blame the request.
 *
 * @param {string | URL} url  Of the job: `…/api/v1/books/jobs/{job_id}`.
 * @param {PollOptions} options
 * @returns {Promise<Job>}  The completed job.
 */
export async function pollJob(url, {
  getToken,
  signal,
  onProgress,
  onWaiting,
  firstPauses = [],
  interval = 2000,
  maxDuration = 30 * 60_000,
  requestTimeout = 30_000,
  environment = {},
}) {
  const surroundings = {...defaultEnvironment(), ...environment};
  const limit = new Limit(signal, maxDuration, surroundings.now);
  const endpoint = new Endpoint(url, getToken, requestTimeout, surroundings.fetch, limit);
  const state = new State(onProgress, onWaiting, firstPauses);
  for (;;) {
    limit.check(state.job);
    const outcome = await endpoint.poll();
    signal?.throwIfAborted();
    const delay = isTransient(outcome)
      ? state.failed(outcome, interval, surroundings.random())
      : state.succeeded(outcome, interval);
    if (state.job?.status === "completed") return state.job;
    if (state.job?.status === "failed") throw new JobFailedError(state.job);
    await pause(delay, limit, surroundings);
  }
}

/** @returns {Required<Omit<Environment, "document">> & Environment} */
function defaultEnvironment() {
  return {
    fetch: (...request) => globalThis.fetch(...request),
    now: () => performance.now(),
    random: Math.random,
    setTimeout: (callback, delay) => globalThis.setTimeout(callback, delay),
    clearTimeout: (timer) => globalThis.clearTimeout(timer),
    document: globalThis.document,
  };
}

/**
 * @typedef {object} Outcome  Of one poll.
 * @property {number} status  0 if there was no response, or none of the service.
 * @property {any} body  The JSON; null if there is none.
 * @property {string} message
 * @property {number} retryAfter
 * @property {number | null} queuePosition
 */

/** @type {Outcome} */
const NO_RESPONSE = {status: 0, body: null, message: "", retryAfter: 0, queuePosition: null};

/** When polling ends even though the job has not. */
class Limit {
  /**
   * @param {AbortSignal | undefined} signal
   * @param {number} maxDuration
   * @param {() => number} now
   */
  constructor(signal, maxDuration, now) {
    this.signal = signal;
    this.maxDuration = maxDuration;
    this.now = now;
    this.deadline = now() + maxDuration;
  }

  get remaining() {
    return Math.max(0, this.deadline - this.now());
  }

  /** @param {Job | null} job  The last known state. */
  check(job) {
    this.signal?.throwIfAborted();
    if (this.remaining === 0) throw new PollTimeoutError(this.maxDuration, job);
  }
}

/** The job's address, and the ETag of its last state. */
class Endpoint {
  #etag = "";

  /**
   * @param {string | URL} url
   * @param {PollOptions["getToken"]} getToken
   * @param {number} requestTimeout
   * @param {typeof globalThis.fetch} fetch
   * @param {Limit} limit
   */
  constructor(url, getToken, requestTimeout, fetch, limit) {
    this.url = url;
    this.getToken = getToken;
    this.requestTimeout = requestTimeout;
    this.fetch = fetch;
    this.limit = limit;
  }

  /**
   * Polls once. After a 401 it polls once more with a fresh token.
   *
   * @returns {Promise<Outcome>}
   */
  async poll() {
    const outcome = await this.#request(false);
    return outcome.status === 401 ? this.#request(true) : outcome;
  }

  /**
   * @param {boolean} forceRefresh
   * @returns {Promise<Outcome>}
   */
  async #request(forceRefresh) {
    const {signal, remaining} = this.limit;
    const timeout = startTimeout(Math.min(this.requestTimeout, remaining), signal);
    try {
      const token = await Promise.race([this.getToken({forceRefresh}), timeout.passed]);
      if (!token) return {...NO_RESPONSE, status: 401, message: "Nobody is signed in"};
      const headers = {
        Accept: "application/json",
        Authorization: `Bearer ${token}`,
        ...(this.#etag && {"If-None-Match": this.#etag}),
      };
      return await this.#read(await this.fetch(this.url, {headers, signal: timeout.signal}));
    } catch (error) {
      return {...NO_RESPONSE, message: error instanceof Error ? error.message : String(error)};
    } finally {
      timeout.clear();
    }
  }

  /**
   * @param {Response} response
   * @returns {Promise<Outcome>}
   */
  async #read(response) {
    const {status, headers} = response;
    const body = status === 304 ? null : await response.json().catch(rethrowUnlessSyntax);
    if (response.ok) this.#etag = (isJob(body) && headers.get("ETag")) || "";
    return {
      status: response.ok && !isJob(body) ? 0 : status,
      body,
      message: typeof body?.detail === "string" ? body.detail : `HTTP status ${status}`,
      retryAfter: wholeNumber(headers.get("Retry-After")) * 1000,
      queuePosition: wholeNumber(headers.get("X-Queue-Position")) || null,
    };
  }
}

/** The last known state of the job, and how many polls have failed since. */
class State {
  /** @type {Job | null} */
  job = null;
  #failures = 0;
  /** @type {number | null} */
  #queuePosition = null;

  /**
   * @param {PollOptions["onProgress"]} onProgress
   * @param {PollOptions["onWaiting"]} onWaiting
   * @param {number[]} firstPauses
   */
  constructor(onProgress, onWaiting, firstPauses) {
    this.onProgress = onProgress;
    this.onWaiting = onWaiting;
    this.firstPauses = [...firstPauses];
  }

  /**
   * @param {Outcome} outcome
   * @param {number} interval
   * @param {number} random  0 to 1, so that clients that lost their server at the same moment come
   *   back at different ones.
   * @returns {number}  How long to wait.
   */
  failed({status, message, retryAfter}, interval, random) {
    const longest = Math.min(LONGEST_BACKOFF, interval * 2 ** this.#failures);
    const retryIn = Math.max(longest * (1 + random) / 2, retryAfter);
    this.#failures += 1;
    this.onWaiting?.({status, message, retryIn});
    return retryIn;
  }

  /**
   * @param {Outcome} outcome
   * @param {number} interval
   * @returns {number}  How long to wait.
   */
  succeeded({status, body, message, retryAfter, queuePosition}, interval) {
    const isUnchanged = status === 304;
    if (!isUnchanged && !isJob(body)) throw new PollError(message, status);
    if (this.#failures) this.onWaiting?.(null);
    this.#failures = 0;
    if (!isUnchanged || queuePosition !== this.#queuePosition) {
      this.job = body ?? this.job;
      this.#queuePosition = queuePosition;
      if (this.job) this.onProgress?.(this.job, {queuePosition});
    }
    const isBehindOthers = (queuePosition ?? 0) > 1;
    const early = isBehindOthers ? undefined : this.firstPauses.shift();
    return early ?? Math.max(interval, retryAfter);
  }
}

/**
 * Whether another poll may help: there was no response or an unreadable one, there were too many
 * requests, or the server is in trouble.
 *
 * @param {Outcome} outcome
 */
function isTransient({status}) {
  return status === 0 || status === 408 || status === 425 || status === 429 || status >= 500;
}

/** @param {any} body */
function isJob(body) {
  return typeof body?.job_id === "string" && typeof body.status === "string";
}

/**
 * @param {string | null} header
 * @returns {number}  0 if it is not a whole number.
 */
function wholeNumber(header) {
  return /^\d{1,9}$/.test(header ?? "") ? Number(header) : 0;
}

/**
 * A body that is not JSON comes from a proxy. One that breaks off is a network problem.
 *
 * @param {unknown} error
 */
function rethrowUnlessSyntax(error) {
  if (!(error instanceof SyntaxError)) throw error;
  return null;
}

/**
 * Aborts one request after `duration`, or with the outer signal. The timer is a real one even in
 * tests, because the network is.
 *
 * @param {number} duration
 * @param {AbortSignal | undefined} outer
 */
function startTimeout(duration, outer) {
  const controller = new AbortController();
  const {signal} = controller;
  const abort = () => controller.abort(outer?.reason);
  const timer = setTimeout(() => {
    const message = `No response within ${formatDuration(duration)}`;
    controller.abort(new DOMException(message, "TimeoutError"));
  }, duration);
  outer?.addEventListener("abort", abort);
  /** @type {Promise<never>} */
  const passed = new Promise((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason));
  });
  passed.catch(() => {}); // perhaps nobody waits for it any more
  const clear = () => {
    clearTimeout(timer);
    outer?.removeEventListener("abort", abort);
  };
  return {signal, passed, clear};
}

/**
 * Waits for `delay`, or several times as long while the web page is hidden. When the page is shown
 * again, the time since the start counts as if it had never been hidden.
 *
 * @param {number} delay
 * @param {Limit} limit
 * @param {ReturnType<typeof defaultEnvironment>} surroundings
 * @returns {Promise<void>}
 */
function pause(delay, {signal, remaining}, {document, now, setTimeout, clearTimeout}) {
  const start = now();
  return new Promise((resolve, reject) => {
    /** @type {any} */
    let timer;
    const arm = () => {
      clearTimeout(timer);
      const duration = Math.min(remaining, document?.hidden ? delay * HIDDEN_FACTOR : delay);
      timer = setTimeout(finish, Math.max(0, start + duration - now()));
    };
    const finish = () => {
      clearTimeout(timer);
      document?.removeEventListener("visibilitychange", arm);
      signal?.removeEventListener("abort", finish);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    document?.addEventListener("visibilitychange", arm);
    signal?.addEventListener("abort", finish);
    arm();
  });
}

/** @param {number} duration */
function formatDuration(duration) {
  if (duration < 120_000) return `${Number((duration / 1000).toFixed(1))} seconds`;
  return `${Number((duration / 60_000).toFixed(1))} minutes`;
}
