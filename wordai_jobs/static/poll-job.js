/**
 * Polls a job of the service until it ends. One module without dependencies, for any page of a configured origin:
 *
 *     import {pollJob} from "https://books.example/static/poll-job.js";
 *     const job = await pollJob("https://books.example/api/v1/books/jobs/…", {
 *       getToken: ({forceRefresh}) => auth.currentUser.getIdToken(forceRefresh),
 *       onProgress: (job) => { bar.value = job.progress; },
 *     });
 *
 * The server may restart meanwhile, the network may fail, a proxy may answer 502: polling goes on, ever more slowly up to
 * 10 s, and at the usual pace again after the first answer. All durations are milliseconds.
 *
 * @module
 */

/**
 * @typedef {object} Job  The job as the service shows it.
 * @property {string} job_id
 * @property {string} user_id
 * @property {"pending" | "processing" | "completed" | "failed"} status
 * @property {number} progress  0 to 100, never falls.
 * @property {string} message
 * @property {{chapter_id: string, total_pages: number}} [result]  Only when completed.
 * @property {string} [error]  Only when failed: what went wrong, in words.
 * @property {string} created_at
 * @property {string} updated_at
 * @property {string} [completed_at]
 * @property {string} [failed_at]
 */

/**
 * @typedef {object} Problem  Why a poll brought nothing.
 * @property {number} status  The HTTP status; 0 where no answer came.
 * @property {string} message  The server's own words where there were any.
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
 *   Asked before every poll, and with `forceRefresh` once more after a 401. Nothing means that nobody is signed in, which
 *   ends polling; a rejection counts as a network problem.
 * @property {AbortSignal} [signal]  Ends polling; the promise rejects with its reason.
 * @property {(job: Job, details: {queuePosition: number | null}) => void} [onProgress]
 *   Called for every new state of the job, its last one included.
 * @property {(problem: Problem | null) => void} [onWaiting]
 *   Called when a poll brought nothing and will be repeated; with null once the server answers again.
 * @property {number} [interval]  Between polls, where the server does not ask for more with `Retry-After`.
 * @property {number} [maxDuration]  Of everything.
 * @property {number} [requestTimeout]  Of one request.
 * @property {Environment} [environment]
 */

const LONGEST_BACKOFF = 10_000;
const HIDDEN_FACTOR = 5;

/** Polling ended without the job's end: denied, not found, no longer signed in. `status` is the HTTP status, 0 for none. */
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

/** The job had not ended within `maxDuration`. It may still end: `job` is its last known state, null if there was none. */
export class PollTimeoutError extends PollError {
  /**
   * @param {number} maxDuration
   * @param {Job | null} job
   */
  constructor(maxDuration, job) {
    super(`The job had not ended after ${inWords(maxDuration)}`);
    this.name = "PollTimeoutError";
    this.job = job;
  }
}

/** The job ended as failed; the message is its error, `job` the whole of it. */
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
 * Rejects with JobFailedError where the job failed, PollTimeoutError after `maxDuration`, the signal's reason once it is
 * aborted, and PollError where going on is pointless: 401 with a fresh token, 403, 404 and every other answer that blames
 * the request.
 *
 * @param {string | URL} url  Of the job: `…/api/v1/books/jobs/{job_id}`.
 * @param {PollOptions} options
 * @returns {Promise<Job>}  The completed job.
 */
export async function pollJob(url, {
  getToken, signal, onProgress, interval = 2000, maxDuration = 30 * 60_000, onWaiting, requestTimeout = 30_000,
  environment = {},
}) {
  const surroundings = {...defaultEnvironment(), ...environment};
  const end = new End(signal, maxDuration, surroundings.now);
  const endpoint = new Endpoint(url, getToken, requestTimeout, surroundings.fetch, end);
  const state = new State(onProgress, onWaiting);
  for (;;) {
    end.check(state.job);
    const answer = await endpoint.ask();
    signal?.throwIfAborted();
    const delay = isTransient(answer)
      ? state.failed(answer, interval, surroundings.random())
      : state.succeeded(answer, interval);
    if (state.job?.status === "completed") return state.job;
    if (state.job?.status === "failed") throw new JobFailedError(state.job);
    await pause(delay, end, surroundings);
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
 * @typedef {object} Answer
 * @property {number} status  0 where none came.
 * @property {any} body  The JSON; null where there is none.
 * @property {string} message
 * @property {number} retryAfter
 * @property {number | null} queuePosition
 */

/** When to stop, whatever the server says. */
class End {
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

/** Where to ask, with which token, and what was answered last. */
class Endpoint {
  #etag = "";

  /**
   * @param {string | URL} url
   * @param {PollOptions["getToken"]} getToken
   * @param {number} requestTimeout
   * @param {typeof fetch} fetch
   * @param {End} end
   */
  constructor(url, getToken, requestTimeout, fetch, end) {
    this.url = url;
    this.getToken = getToken;
    this.requestTimeout = requestTimeout;
    this.fetch = fetch;
    this.end = end;
  }

  /** @returns {Promise<Answer>}  After a 401, that to one more request with a token made anew. */
  async ask() {
    const answer = await this.#request(false);
    return answer.status === 401 ? this.#request(true) : answer;
  }

  /** @param {boolean} forceRefresh */
  async #request(forceRefresh) {
    const limit = timeLimit(Math.min(this.requestTimeout, this.end.remaining), this.end.signal);
    try {
      const token = await Promise.race([this.getToken({forceRefresh}), limit.passed]);
      if (!token) return {...NO_ANSWER, status: 401, message: "Nobody is signed in"};
      const request = this.fetch(this.url, {headers: this.#headers(token), signal: limit.signal});
      return await this.#read(await request);
    } catch (error) {
      return {...NO_ANSWER, message: error instanceof Error ? error.message : String(error)};
    } finally {
      limit.lift();
    }
  }

  /** @param {string} token */
  #headers(token) {
    const headers = {Accept: "application/json", Authorization: `Bearer ${token}`};
    return this.#etag ? {...headers, "If-None-Match": this.#etag} : headers;
  }

  /**
   * @param {Response} response
   * @returns {Promise<Answer>}
   */
  async #read(response) {
    const {status, headers} = response;
    const body = status === 304 ? null : await response.json().catch(rethrowUnlessSyntax);
    if (response.ok) this.#etag = (isJob(body) && headers.get("ETag")) || "";
    return {
      status: response.ok && !isJob(body) ? 0 : status,
      body,
      message: typeof body?.detail === "string" ? body.detail : `HTTP status ${status}`,
      retryAfter: seconds(headers.get("Retry-After")) * 1000,
      queuePosition: seconds(headers.get("X-Queue-Position")) || null,
    };
  }
}

/** @type {Answer} */
const NO_ANSWER = {status: 0, body: null, message: "", retryAfter: 0, queuePosition: null};

/** What is known of the job, and for how long nothing new has been heard. */
class State {
  /** @type {Job | null} */
  job = null;
  #failures = 0;
  /** @type {number | null} */
  #queuePosition = null;

  /**
   * @param {PollOptions["onProgress"]} onProgress
   * @param {PollOptions["onWaiting"]} onWaiting
   */
  constructor(onProgress, onWaiting) {
    this.onProgress = onProgress;
    this.onWaiting = onWaiting;
  }

  /**
   * @param {Answer} answer
   * @param {number} interval
   * @param {number} random  0 to 1: clients that lost their server at one moment come back at different ones.
   * @returns {number}  How long to wait.
   */
  failed(answer, interval, random) {
    const backoff = Math.min(LONGEST_BACKOFF, interval * 2 ** this.#failures) * (1 + random) / 2;
    const retryIn = Math.max(backoff, answer.retryAfter);
    this.#failures += 1;
    this.onWaiting?.({status: answer.status, message: answer.message, retryIn});
    return retryIn;
  }

  /**
   * @param {Answer} answer
   * @param {number} interval
   * @returns {number}  How long to wait.
   */
  succeeded(answer, interval) {
    if (answer.status !== 304 && !isJob(answer.body)) throw new PollError(answer.message, answer.status);
    if (this.#failures) this.onWaiting?.(null);
    this.#failures = 0;
    if (answer.status !== 304 || answer.queuePosition !== this.#queuePosition) this.#tell(answer);
    return Math.max(interval, answer.retryAfter);
  }

  /** @param {Answer} answer */
  #tell(answer) {
    this.job = answer.body ?? this.job;
    this.#queuePosition = answer.queuePosition;
    if (this.job) this.onProgress?.(this.job, {queuePosition: answer.queuePosition});
  }
}

/**
 * Whether another try may bring more: no answer, one that cannot be read, too many requests, a server in trouble.
 *
 * @param {Answer} answer
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
 * @returns {number}  0 where it names no whole number.
 */
function seconds(header) {
  return /^\d{1,9}$/.test(header ?? "") ? Number(header) : 0;
}

/**
 * A body that is no JSON comes from something between; one that breaks off is a network problem.
 *
 * @param {unknown} error
 */
function rethrowUnlessSyntax(error) {
  if (!(error instanceof SyntaxError)) throw error;
  return null;
}

/**
 * A signal for one request that passes on an abort and sets an end to waiting. The timer is a real one, for the network is.
 *
 * @param {number} duration
 * @param {AbortSignal | undefined} outer
 */
function timeLimit(duration, outer) {
  const controller = new AbortController();
  const abort = () => controller.abort(outer?.reason);
  const expire = () => controller.abort(new DOMException(`No answer within ${inWords(duration)}`, "TimeoutError"));
  const timer = setTimeout(expire, duration);
  outer?.addEventListener("abort", abort);
  /** @type {Promise<never>} */
  const passed = new Promise((_, reject) => {
    controller.signal.addEventListener("abort", () => reject(controller.signal.reason));
  });
  passed.catch(() => {});  // nobody may be waiting for it any more
  const lift = () => {
    clearTimeout(timer);
    outer?.removeEventListener("abort", abort);
  };
  return {signal: controller.signal, passed, lift};
}

/**
 * Waits `delay`, and several times that while the page is hidden; a page that is shown again goes on as if it had not been.
 *
 * @param {number} delay
 * @param {End} end
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
function inWords(duration) {
  const [amount, unit] = duration >= 120_000 ? [duration / 60_000, "minutes"] : [duration / 1000, "seconds"];
  return `${Number(amount.toFixed(1))} ${unit}`;
}
