/** Sign-in on a development server: a token for any name, kept in the browser. */

import {bodyOf} from "../shared/api.js";
import {byId} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {onChangeElsewhere, recall, remember} from "../shared/local-storage.js";
import {onSubmit, Session} from "./session.js";

const STORAGE_KEY = "session";

export class DevSession extends Session {
  #token = "";

  constructor() {
    super();
    this.#use(recall(STORAGE_KEY));
    onChangeElsewhere(STORAGE_KEY, (kept) => this.#use(kept));
  }

  setUpForm() {
    onSubmit("dev-form", () => this.signIn(byId("dev-name", HTMLInputElement).value.trim()));
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
    remember(STORAGE_KEY, {name, token});
    this.#use({name, token});
  }

  async signOut() {
    remember(STORAGE_KEY, null);
    this.#use(null);
  }

  /** @param {{name?: string, token?: string} | null} kept */
  #use(kept) {
    this.#token = kept?.token ?? "";
    this.changeTo(this.#token ? kept?.name ?? "" : "");
  }
}
