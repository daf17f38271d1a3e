/** Where the page begins: what the server is like, who is signed in, which view the address names. */

import {Api} from "./shared/api.js";
import {BooksList} from "./library/books-list.js";
import {Books} from "./library/books.js";
import {byId} from "./shared/dom.js";
import {language, t, translate} from "./shared/i18n.js";
import {JobsList} from "./library/jobs-list.js";
import {Jobs} from "./library/jobs.js";
import {Reader} from "./reader/reader.js";
import {parseRoute} from "./shared/router.js";
import {openSession} from "./session/session.js";
import {noticeExpiry, setUpSignIn} from "./session/sign-in.js";
import {recall, remember} from "./shared/local-storage.js";
import {UploadForm} from "./library/upload-form.js";

const VIEWS = ["sign-in", "library", "reader", "broken"];

async function begin() {
  document.documentElement.lang = language;
  translate(document);
  byId("skip").onclick = () => byId("main").focus();
  byId("broken-retry").onclick = () => location.reload();
  try {
    const config = await readConfig();
    enter(config, await openSession(config.auth));
  } catch (error) {
    byId("broken-text").textContent = error.message;
    showView("broken", "broken.title");
  }
}

async function readConfig() {
  const response = await fetch("/app-config.json").catch(() => { throw new Error(t("error.network")); });
  if (!response.ok) throw new Error(t("error.unreadable", {status: String(response.status)}));
  return response.json();
}

/** Signing in opens the library; signing out reloads, so that nothing of one user is there for the next. */
function enter(config, session) {
  session.hasExpired = Boolean(recall("expired"));
  remember("expired", null);
  setUpSignIn(session);
  byId("sign-out").onclick = () => session.signOut();
  session.addEventListener("change", () => (session.name ? openLibrary(config, session) : leave(session)));
  if (session.name) openLibrary(config, session);
  else askWho(session);
}

function askWho(session) {
  noticeExpiry(session);
  showView("sign-in", "signIn.title");
}

function leave(session) {
  if (session.hasExpired) remember("expired", true);
  else forgetUser();
  location.reload();
}

function forgetUser() {
  remember("titles", null);
  history.replaceState(null, "", "#/");
}

function openLibrary(config, session) {
  const api = new Api(session);
  const [jobs, books] = [new Jobs(api), new Books(api)];
  const [jobsList, booksList] = [new JobsList(jobs, books), new BooksList(books)];
  const reader = new Reader(api, jobs, books);
  new UploadForm(api, books, jobs, config.max_upload_mb * 1024 * 1024);
  byId("account-name").textContent = session.name;
  byId("account").hidden = false;
  jobs.addEventListener("ended", ({detail}) => {
    if (detail.job.status === "completed") booksList.refresh(detail.memory?.bookId);
  });
  jobsList.load();
  booksList.load();
  const follow = () => route(reader);
  addEventListener("hashchange", follow);
  follow();
}

function route(reader) {
  const wanted = parseRoute(location.hash);
  if (wanted.view === "library") {
    reader.close();
    showView("library", "library.title");
  } else {
    showView("reader", "reader.loading");
    reader.open(wanted);
  }
}

function showView(view, titleKey) {
  const isFirst = !document.body.dataset.view;
  document.body.dataset.view = view;
  for (const id of VIEWS) byId(id).hidden = id !== view;
  if (view === "reader") return;
  document.title = `${t(titleKey)} · WordAI Books`;
  if (!isFirst) byId(`${view}-title`).focus();
}

begin();
