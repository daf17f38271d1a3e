/** Who is signed in, and their tokens. */

import {recall, remember} from "../shared/local-storage.js";

const KEY = "session";

/** Tells "change" when somebody signs in or out. */
export class Session extends EventTarget {
  /** What to call the user; empty while nobody is signed in. */
  name = "";
  /** Whether the session ended without the user's wish. */
  hasExpired = false;

  /** @param {{forceRefresh?: boolean}} [options] @returns {Promise<string | null>} */
  async getToken(options) {
    throw new Error(`${this.constructor.name} cannot make a token for ${options}`);
  }

  async signOut() {
    this.changeTo("");
  }

  /** The server no longer takes the token. */
  expire() {
    if (!this.name) return;
    this.hasExpired = true;
    this.signOut();
  }

  /** @param {string} name */
  changeTo(name) {
    if (name) this.hasExpired = false;
    if (name === this.name) return;
    this.name = name;
    this.dispatchEvent(new Event("change"));
  }
}

/** On a server for development: a token for any name, kept in the browser until it is signed out. */
export class DevSession extends Session {
  #token = "";

  constructor() {
    super();
    const kept = recall(KEY);
    if (kept?.token && kept?.name) {
      this.#token = kept.token;
      this.name = kept.name;
    }
  }

  async getToken() {
    return this.#token || null;
  }

  /** @param {{name: string, token: string}} user */
  signIn({name, token}) {
    this.#token = token;
    remember(KEY, {name, token});
    this.changeTo(name);
  }

  async signOut() {
    this.#token = "";
    remember(KEY, null);
    this.changeTo("");
  }
}

/** Where signing in is not set up: nobody can. */
export class NoSession extends Session {
  async getToken() {
    return null;
  }
}

/**
 * @param {{mode: string, firebase?: Record<string, string>, emulator?: string | null}} auth  As in /app-config.json.
 * @returns {Promise<Session>}  Once it is known whether somebody is signed in.
 */
export async function openSession(auth) {
  if (auth.mode === "dev") return new DevSession();
  if (!auth.firebase?.apiKey) return new NoSession();
  const {openFirebaseSession} = await import("./firebase-session.js");
  return openFirebaseSession(auth.firebase, auth.emulator ?? "");
}
