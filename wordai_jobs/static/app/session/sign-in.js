/** The sign-in view: a name on a server for development, else the project's Firebase users. */

import {answerOf} from "../shared/api.js";
import {byId, show} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {DevSession, NoSession} from "./session.js";

/** @param {import("./session.js").Session} session */
export function setUpSignIn(session) {
  if (session instanceof DevSession) setUpDev(session);
  else if (session instanceof NoSession) byId("firebase-unset").hidden = false;
  else setUpFirebase(session);
}

/** @param {import("./session.js").Session} session */
export function noticeExpiry(session) {
  show(byId("sign-in-notice"), session.hasExpired ? t("signIn.expired") : "");
}

function setUpDev(session) {
  byId("dev-form").hidden = false;
  onSubmit("dev-form", async () => {
    const name = byId("dev-name").value.trim();
    session.signIn({name, token: await devToken(name)});
  });
}

async function devToken(name) {
  let response;
  try {
    response = await fetch("/dev/token", {method: "POST", body: JSON.stringify({user_id: name})});
  } catch {
    throw new Error(t("error.network"));
  }
  return answerOf(response.status, await response.text()).token;
}

/** @param {import("./firebase-session.js").FirebaseSession} session */
function setUpFirebase(session) {
  byId("firebase-form").hidden = false;
  onSubmit("firebase-form", async (choice) => {
    const [email, password] = [byId("email").value.trim(), byId("password").value];
    await inWords(() => (choice === "sign-up" ? session.signUp(email, password) : session.signIn(email, password)));
    byId("password").value = "";
  });
  byId("google").hidden = !session.canUseGoogle;
  byId("google").onclick = () => attempt(byId("google"), () => inWords(() => session.signInWithGoogle()));
}

async function inWords(act) {
  try {
    await act();
  } catch (error) {
    const {keyOf} = await import("./firebase-session.js");
    throw keyOf(error) ? new Error(t(keyOf(error))) : error;
  }
}

function onSubmit(id, act) {
  byId(id).onsubmit = (event) => {
    event.preventDefault();
    attempt(event.submitter ?? byId(id).querySelector("[type=submit]"), () => act(event.submitter?.value));
  };
}

async function attempt(button, act) {
  show(byId("sign-in-notice"), "");
  button.disabled = true;
  try {
    await act();
  } catch (error) {
    show(byId("sign-in-notice"), error.message);
  } finally {
    button.disabled = false;
  }
}
