/** Who is signed in, and the form for signing in. */

import {byId, find, showText} from "../shared/dom.js";

/** Dispatches "change" when somebody signs in or out, here or in another tab. */
export class Session extends EventTarget {
  /** The user's name as the app shows it; empty while nobody is signed in. */
  name = "";
  /** Whether the session ended although the user did not sign out. */
  hasExpired = false;

  /** Shows the form for signing in, and listens to it. */
  setUpForm() {}

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
export class UnconfiguredSession extends Session {
  setUpForm() {
    byId("firebase-unset").hidden = false;
  }
}

/**
 * @param {string} id
 * @param {(choice: string) => Promise<void>} act  Gets the value of the button that was pressed.
 */
export function onSubmit(id, act) {
  const form = byId(id);
  form.hidden = false;
  form.onsubmit = (event) => {
    event.preventDefault();
    const pressed = event.submitter ?? find(form, "[type=submit]");
    const button = /** @type {HTMLButtonElement} */ (pressed);
    attempt(button, () => act(button.value));
  };
}

/**
 * @param {HTMLButtonElement} button  Disabled in the meantime.
 * @param {() => Promise<void>} act
 */
export async function attempt(button, act) {
  showText(byId("sign-in-notice"), "");
  button.disabled = true;
  try {
    await act();
  } catch (error) {
    showText(byId("sign-in-notice"), error.message);
  } finally {
    button.disabled = false;
  }
}
