/** Requests to the service: bodies as objects, refusals as errors with the server's message. */

import {formatFailure} from "./format.js";
import {t} from "./i18n.js";

const TRIES = 4;
const LONGEST_PAUSE_MS = 10_000;

/**
 * @typedef {object} TokenSource  Whose requests they are.
 * @property {(options?: {forceRefresh?: boolean}) => Promise<string | null>} getToken
 * @property {() => void} expire  Called when the server no longer accepts the tokens.
 */

/** The message can be shown to the user. `status` is 0 if there was no response. */
export class ApiError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   * @param {number} [retryAfterMs]
   */
  constructor(status, message, retryAfterMs = 0) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether trying again may help. */
  get isTransient() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export class Api {
  /** @type {Map<string, Promise<any>>} What has been begun, by path. */
  #begun = new Map();

  /** @param {TokenSource} session */
  constructor(session) {
    this.session = session;
  }

  /**
   * Begins to read what `get` will be asked for within a minute.
   *
   * @param {string} path
   */
  begin(path) {
    const reading = this.#request("GET", path, {});
    reading.catch(() => {}); // `get` tries again
    this.#begun.set(path, reading);
    setTimeout(() => this.#begun.delete(path), 60_000);
  }

  /**
   * Reads, and tries several times if the server is in trouble.
   *
   * @param {string} path
   * @param {AbortSignal} [signal]
   * @param {number} [mostTries]
   * @returns {Promise<any>}
   */
  async get(path, signal, mostTries = TRIES) {
    for (let tries = 1; ; tries++) {
      try {
        const begun = this.#begun.get(path);
        this.#begun.delete(path);
        return await (begun ?? this.#request("GET", path, {signal}));
      } catch (error) {
        if (!(error instanceof ApiError && error.isTransient) || tries >= mostTries) throw error;
        const pause = Math.max(error.retryAfterMs, 500 * 2 ** tries);
        await wait(Math.min(LONGEST_PAUSE_MS, pause), signal);
      }
    }
  }

  /**
   * @param {string} path
   * @param {object} [body]
   * @param {Record<string, string>} [headers]
   * @returns {Promise<any>}
   */
  post(path, body, headers) {
    return this.#send("POST", path, body, headers);
  }

  /**
   * @param {string} path
   * @param {object} body
   * @returns {Promise<any>}
   */
  patch(path, body) {
    return this.#send("PATCH", path, body);
  }

  /**
   * It is sent even if the app is being closed.
   *
   * @param {string} path
   * @param {object} body
   * @returns {Promise<any>}
   */
  put(path, body) {
    return this.#request("PUT", path, {
      headers: {"Content-Type": "application/json"}, body: JSON.stringify(body), keepalive: true,
    });
  }

  /**
   * A file, which is read into memory.
   *
   * @param {string} path
   * @param {AbortSignal} signal
   * @returns {Promise<Blob>}
   */
  async download(path, signal) {
    const token = await this.session.getToken();
    const headers = {Authorization: `Bearer ${token}`};
    const response = await fetch(path, {headers, signal}).catch(() => {
      throw new ApiError(0, t("error.network"));
    });
    return response.ok ? response.blob() : bodyOf(response.status, await response.text());
  }

  /**
   * @param {string} path
   * @returns {Promise<null>}
   */
  delete(path) {
    return this.#request("DELETE", path, {});
  }

  /**
   * @param {string} method
   * @param {string} path
   * @param {object} [body]
   * @param {Record<string, string>} [headers]
   */
  #send(method, path, body, headers) {
    return this.#request(method, path, {
      headers: {...headers, "Content-Type": "application/json"},
      ...(body && {body: JSON.stringify(body)}),
    });
  }

  /**
   * After a 401 it asks for a fresh token and tries once more; a second 401 ends the session.
   *
   * @param {string} method
   * @param {string} path
   * @param {Pick<RequestInit, "headers" | "body" | "signal" | "keepalive">} options
   */
  async #request(method, path, options) {
    const send = async (/** @type {boolean} */ forceRefresh) => {
      try {
        const token = await this.session.getToken({forceRefresh});
        const headers = {
          Accept: "application/json", ...options.headers, Authorization: `Bearer ${token}`,
        };
        const response = await fetch(path, {...options, method, headers});
        const retryAfter = response.headers.get("Retry-After");
        return {status: response.status, text: await response.text(), retryAfter};
      } catch {
        options.signal?.throwIfAborted();
        throw new ApiError(0, t("error.network"));
      }
    };
    let response = await send(false);
    if (response.status === 401) response = await send(true);
    if (response.status === 401) this.session.expire();
    return bodyOf(response.status, response.text, response.retryAfter);
  }
}

/**
 * The body of a successful response. Any other response becomes an ApiError.
 *
 * @param {number} status
 * @param {string} text
 * @param {string | null} [retryAfter]  In seconds.
 * @returns {any}
 */
export function bodyOf(status, text, retryAfter = null) {
  if (status === 204) return null;
  let body = null;
  try {
    body = JSON.parse(text);
  } catch {
    // From something between the app and the server.
  }
  if (status >= 200 && status < 300 && body) return body;
  const unreadable = () => t("error.unreadable", {status: String(status)});
  const message = typeof body?.detail === "string" ? formatFailure(body.detail) : unreadable();
  throw new ApiError(status, message, Number(retryAfter) * 1000 || 0);
}

/**
 * @param {number} duration  In milliseconds.
 * @param {AbortSignal} [signal]  Ends the pause; the promise rejects with its reason.
 * @returns {Promise<void>}
 */
function wait(duration, signal) {
  return new Promise((resolve, reject) => {
    const finish = () => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      if (signal?.aborted) reject(signal.reason);
      else resolve();
    };
    const timer = setTimeout(finish, duration);
    signal?.addEventListener("abort", finish);
  });
}
