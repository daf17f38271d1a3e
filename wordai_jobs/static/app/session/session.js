/** Who is signed in, and their tokens. */

import {bodyOf} from "../shared/api.js";
import {t} from "../shared/i18n.js";
import {recall, remember} from "../shared/local-storage.js";

const STORAGE_KEY = "session";

/** Dispatches "change" when somebody signs in or out. */
export class Session extends EventTarget {
  /** The user's name as the app shows it; empty while nobody is signed in. */
  name = "";
  /** Whether the session ended although the user did not sign out. */
  hasExpired = false;

  /**
   * @param {{forceRefresh?: boolean}} [_options]
   * @returns {Promise<string | null>}  null if nobody is signed in.
   */
  async getToken(_options) {
    return null;
  }

  async signOut() {
    this.changeTo("");
  }

  /** The server no longer accepts the token. */
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

/** Nobody can sign in, because the server does not name a Firebase project. */
export class UnconfiguredSession extends Session {}

/** On a development server: a token for any name, kept in the browser until the user signs out. */
export class DevSession extends Session {
  #token = "";

  constructor() {
    super();
    const kept = recall(STORAGE_KEY);
    if (kept?.token && kept?.name) {
      this.#token = kept.token;
      this.name = kept.name;
    }
  }

  async getToken() {
    return this.#token || null;
  }

  /** @param {string} name */
  async signIn(name) {
    const request = {method: "POST", body: JSON.stringify({user_id: name})};
    const response = await fetch("/dev/token", request).catch(() => {
      throw new Error(t("error.network"));
    });
    const {token} = bodyOf(response.status, await response.text());
    this.#token = token;
    remember(STORAGE_KEY, {name, token});
    this.changeTo(name);
  }

  async signOut() {
    this.#token = "";
    remember(STORAGE_KEY, null);
    this.changeTo("");
  }
}
