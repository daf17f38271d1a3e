/** The service's answers as objects, and its refusals as errors with its own words. */

import {t} from "./i18n.js";

const TRIES = 4;
const LONGEST_WAIT = 10_000;

/** `status` is 0 where no answer came; the message can be shown. */
export class ApiError extends Error {
  /** @param {number} status @param {string} message @param {number} [retryAfter] in milliseconds */
  constructor(status, message, retryAfter = 0) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.retryAfter = retryAfter;
  }

  /** Whether reading again may help. */
  get isTransient() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

export class Api {
  /** @param {import("../session/session.js").Session} session */
  constructor(session) {
    this.session = session;
  }

  /** Reads, several times where the server is in trouble. @param {string} path @param {AbortSignal} [signal] */
  async get(path, signal) {
    for (let tries = 1; ; tries++) {
      try {
        return await this.#request("GET", path, {signal});
      } catch (error) {
        if (!(error instanceof ApiError && error.isTransient) || tries === TRIES) throw error;
        await wait(Math.min(LONGEST_WAIT, Math.max(error.retryAfter, 500 * 2 ** tries)), signal);
      }
    }
  }

  /** @param {string} path @param {object} [body] @param {Record<string, string>} [headers] */
  post(path, body, headers = {}) {
    const sent = body === undefined ? {} : {body: JSON.stringify(body)};
    return this.#request("POST", path, {...sent, headers: {...headers, "Content-Type": "application/json"}});
  }

  /** @param {string} path */
  delete(path) {
    return this.#request("DELETE", path, {});
  }

  /** Once more with a token made anew after a 401; a second 401 ends the session. */
  async #request(method, path, options) {
    let response = await this.#send(method, path, options, false);
    if (response.status === 401) response = await this.#send(method, path, options, true);
    if (response.status === 401) this.session.expire();
    return answerOf(response.status, await response.text(), response.headers.get("Retry-After"));
  }

  async #send(method, path, options, forceRefresh) {
    try {
      const token = await this.session.getToken({forceRefresh});
      return await fetch(path, {...options, method, headers: {...options.headers, Authorization: `Bearer ${token}`}});
    } catch (error) {
      options.signal?.throwIfAborted();
      throw new ApiError(0, t("error.network"));
    }
  }
}

/**
 * @param {number} status
 * @param {string} text
 * @param {string | null} retryAfter  in seconds
 * @returns {any}  The body; throws ApiError for what is no success.
 */
export function answerOf(status, text, retryAfter = null) {
  if (status === 204) return null;
  const body = parsed(text);
  if (status >= 200 && status < 300 && body) return body;
  const detail = typeof body?.detail === "string" ? body.detail : t("error.unreadable", {status: String(status)});
  throw new ApiError(status, detail, Number(retryAfter) * 1000 || 0);
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function wait(duration, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, duration);
    signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); });
  });
}
