/** The sign-in view: a name on a development server, else the project's Firebase users. */

import {byId, find, showText} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {DevSession, UnconfiguredSession} from "./session.js";

/** @typedef {import("./firebase-session.js").FirebaseSession} FirebaseSession */

/** @param {import("./session.js").Session} session */
export function setUpSignIn(session) {
  if (session instanceof DevSession) setUpDev(session);
  else if (session instanceof UnconfiguredSession) byId("firebase-unset").hidden = false;
  else setUpFirebase(/** @type {FirebaseSession} */ (session));
}

/** @param {import("./session.js").Session} session */
export function showExpiry(session) {
  showText(byId("sign-in-notice"), session.hasExpired ? t("signIn.expired") : "");
}

/** @param {DevSession} session */
function setUpDev(session) {
  byId("dev-form").hidden = false;
  onSubmit("dev-form", () => session.signIn(byId("dev-name", HTMLInputElement).value.trim()));
}

/** @param {FirebaseSession} session */
function setUpFirebase(session) {
  const email = byId("email", HTMLInputElement);
  const password = byId("password", HTMLInputElement);
  byId("firebase-form").hidden = false;
  onSubmit("firebase-form", async (choice) => {
    if (choice === "sign-up") await session.signUp(email.value.trim(), password.value);
    else await session.signIn(email.value.trim(), password.value);
    password.value = "";
  });
  const google = byId("google", HTMLButtonElement);
  google.hidden = !session.canUseGoogle;
  google.onclick = () => attempt(google, () => session.signInWithGoogle());
}

/**
 * @param {string} id
 * @param {(choice: string) => Promise<void>} act  Gets the value of the button that was pressed.
 */
function onSubmit(id, act) {
  const form = byId(id);
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
async function attempt(button, act) {
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
