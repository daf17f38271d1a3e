/** Starts the app: asks the server for its settings, opens the session, shows the right view. */

import {Books} from "./library/books.js";
import {BooksList} from "./library/books-list.js";
import {JobsList} from "./library/jobs-list.js";
import {Jobs} from "./library/jobs.js";
import {UploadForm} from "./library/upload-form.js";
import {Reader} from "./reader/reader.js";
import {openSession} from "./session/open-session.js";
import {setUpSignIn, showExpiry} from "./session/sign-in.js";
import {Api} from "./shared/api.js";
import {byId} from "./shared/dom.js";
import {language, t, translate} from "./shared/i18n.js";
import {recall, remember} from "./shared/local-storage.js";
import {parseRoute} from "./shared/router.js";
import {showTitle} from "./shared/window-title.js";

/**
 * @typedef {import("./session/session.js").Session} Session
 * @typedef {object} AppConfig  /app-config.json.
 * @property {number} max_upload_mb
 * @property {number} max_stored_mb_per_user
 * @property {import("./session/open-session.js").AuthConfig} auth
 */

/** Ids of sections in index.html, of which one is shown. */
const VIEWS = ["sign-in", "library", "reader", "unavailable"];

async function start() {
  document.documentElement.lang = language;
  translate(document);
  byId("skip").onclick = () => byId("main").focus();
  byId("unavailable-retry").onclick = () => location.reload();
  try {
    const config = await readConfig();
    showFirstView(config, await openSession(config.auth));
  } catch (error) {
    byId("unavailable-text").textContent = error.message;
    showView("unavailable", "unavailable.title");
  }
}

/** @returns {Promise<AppConfig>} */
async function readConfig() {
  const response = await fetch("/app-config.json").catch(() => {
    throw new Error(t("error.network"));
  });
  if (!response.ok) throw new Error(t("error.unreadable", {status: String(response.status)}));
  return response.json();
}

/**
 * @param {AppConfig} config
 * @param {Session} session
 */
function showFirstView(config, session) {
  session.hasExpired = Boolean(recall("expired"));
  remember("expired", null);
  setUpSignIn(session);
  byId("sign-out").onclick = () => session.signOut();
  session.addEventListener("change", () => {
    if (session.name) openLibrary(config, session);
    else leave(session);
  });
  if (session.name) {
    openLibrary(config, session);
  } else {
    showExpiry(session);
    showView("sign-in", "signIn.title");
  }
}

/**
 * After signing out. The reload leaves nothing of this user for the next one.
 *
 * @param {Session} session
 */
function leave(session) {
  if (session.hasExpired) {
    remember("expired", true);
  } else {
    remember("titles", null);
    history.replaceState(null, "", "#/");
  }
  location.reload();
}

/**
 * @param {AppConfig} config
 * @param {Session} session
 */
function openLibrary(config, session) {
  const api = new Api(session);
  const jobs = new Jobs(api);
  const books = new Books(api);
  const jobsList = new JobsList(jobs, books);
  const booksList = new BooksList(books);
  const reader = new Reader(api, jobs, books);
  new UploadForm(api, books, jobs, config);
  byId("account-name").textContent = session.name;
  byId("account").hidden = false;
  jobs.addEventListener("ended", (event) => {
    const {detail: entry} =
      /** @type {CustomEvent<import("./library/jobs.js").JobEntry>} */ (event);
    if (entry.job.status === "completed") booksList.refresh(entry.submission?.bookId);
  });
  jobsList.load();
  booksList.load();
  addEventListener("hashchange", () => followAddress(reader));
  followAddress(reader);
}

/** @param {Reader} reader */
function followAddress(reader) {
  const route = parseRoute(location.hash);
  if (route.view === "library") {
    reader.close();
    showView("library", "library.title");
  } else {
    showView("reader");
    reader.open(route);
  }
}

/**
 * @param {string} view  One of VIEWS.
 * @param {string} [titleKey]  Of the message for the window's title; the reader sets its own.
 */
function showView(view, titleKey) {
  const isFirst = !document.body.dataset.view;
  document.body.dataset.view = view;
  for (const id of VIEWS) byId(id).hidden = id !== view;
  if (!titleKey) return;
  showTitle(t(titleKey));
  if (!isFirst) byId(`${view}-title`).focus();
}

start();
