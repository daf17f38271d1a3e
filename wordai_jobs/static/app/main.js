/** Starts the app: opens the session, and once somebody is signed in loads the rest. */

import {UnconfiguredSession} from "./session/session.js";
import {byId, fetchFiles, find, reportUnavailable, showText, showView} from "./shared/dom.js";
import {language, rememberLanguage, t, translate} from "./shared/i18n.js";
import {forgetUser, recall, remember} from "./shared/local-storage.js";

/**
 * @typedef {import("./session/session.js").Session} Session
 *
 * @typedef {object} AppConfig  What the server tells in index.html.
 * @property {number} max_upload_mb
 * @property {number} max_stored_mb_per_user
 * @property {AuthConfig} auth
 *
 * @typedef {object} AuthConfig
 * @property {string} mode  "dev" or "firebase".
 * @property {Record<string, string>} [firebase]  The web configuration of the project.
 * @property {string | null} [emulator]  Host and port.
 */

async function start() {
  document.documentElement.lang = language;
  translate(document);
  byId("skip").onclick = () => byId("main").focus();
  setUpLanguages();
  /** @type {AppConfig} */
  const config = JSON.parse(find(document, "meta[name=app-config]", HTMLMetaElement).content);
  try {
    const session = await openSession(config.auth);
    session.addEventListener("change", () => {
      if (session.name && document.body.dataset.view === "sign-in") {
        openApp(config, session).then(() => byId("library-title").focus());
      } else {
        leave(session);
      }
    });
    if (session.name) await openApp(config, session);
    else showSignIn(session);
  } catch (error) {
    reportUnavailable(error);
  }
}

/**
 * @param {AuthConfig} auth
 * @returns {Promise<Session>}  Once it is known whether somebody is signed in.
 */
async function openSession(auth) {
  if (auth.mode === "dev") {
    const {DevSession} = await import("./session/dev-session.js");
    return new DevSession();
  }
  if (!auth.firebase?.apiKey) return new UnconfiguredSession();
  const {openFirebaseSession} = await import("./session/firebase-session.js");
  return openFirebaseSession(auth.firebase, auth.emulator ?? "");
}

/**
 * The rest of the app is fetched while the user types.
 *
 * @param {Session} session
 */
function showSignIn(session) {
  session.setUpForm();
  byId("sign-in").addEventListener("input", () => fetchFiles("after-sign-in"), {once: true});
  showText(byId("sign-in-notice"), recall("expired") ? t("signIn.expired") : "");
  remember("expired", null);
  document.title = `${t("signIn.title")} · WordAI Books`;
  showView("sign-in");
}

/**
 * @param {AppConfig} config
 * @param {Session} session
 */
async function openApp(config, session) {
  try {
    fetchFiles("after-sign-in");
    const [{openLibrary}] = await Promise.all([import("./signed-in.js"), ...stylesheets()]);
    openLibrary(config, session);
  } catch (error) {
    reportUnavailable(error);
  }
}

/** @returns {Promise<unknown>[]}  Each is done once a style sheet is loaded, or cannot be. */
function stylesheets() {
  const links = [...document.querySelectorAll("link[rel=stylesheet]")];
  return links.filter((link) => !(/** @type {HTMLLinkElement} */ (link)).sheet)
    .map((link) => new Promise((resolve) => {
      link.addEventListener("load", resolve);
      link.addEventListener("error", resolve);
    }));
}

/**
 * After signing out, here or in another tab. The reload leaves nothing of this user for the next.
 *
 * @param {Session} session
 */
function leave(session) {
  if (session.hasExpired) {
    remember("expired", true);
  } else {
    if (!session.name) forgetUser();
    history.replaceState(null, "", "#/");
  }
  location.reload();
}

/** Offers the other language. The app starts again with it. */
function setUpLanguages() {
  const button = byId("language");
  const other = language === "vi" ? "en" : "vi";
  button.lang = other;
  button.textContent = other === "vi" ? "Tiếng Việt" : "English";
  button.onclick = () => {
    rememberLanguage(other);
    location.reload();
  };
}

start();
