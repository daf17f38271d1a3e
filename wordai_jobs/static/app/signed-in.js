/** The app of somebody who is signed in: the library, and the reader once it is needed. */

import {Books} from "./library/books.js";
import {BooksList} from "./library/books-list.js";
import {JobsList} from "./library/jobs-list.js";
import {Jobs} from "./library/jobs.js";
import {UploadForm} from "./library/upload-form.js";
import {Api} from "./shared/api.js";
import {byId, showView} from "./shared/dom.js";
import {t} from "./shared/i18n.js";
import {parseRoute} from "./shared/router.js";
import {showTitle} from "./shared/window-title.js";

/** @typedef {import("./reader/reader.js").Reader} Reader */

/**
 * @param {import("./library/upload-form.js").Limits} limits
 * @param {import("./session/session.js").Session} session
 */
export function openLibrary(limits, session) {
  const api = new Api(session);
  const jobs = new Jobs(api);
  const books = new Books(api);
  const jobsList = new JobsList(jobs, books);
  const booksList = new BooksList(books);
  new UploadForm(api, books, jobs, limits);
  byId("sign-out").onclick = () => session.signOut();
  byId("account-name").textContent = session.name;
  byId("sign-out").hidden = false;
  jobs.addEventListener("ended", (event) => {
    const {detail: entry} =
      /** @type {CustomEvent<import("./library/jobs.js").JobEntry>} */ (event);
    if (entry.job.status === "completed") booksList.refresh(entry.submission?.bookId);
  });
  jobsList.load();
  booksList.load();
  followAddress(async () => {
    const {Reader} = await import("./reader/reader.js");
    return new Reader(api, jobs, books);
  });
}

/** @param {() => Promise<Reader>} createReader */
function followAddress(createReader) {
  /** @type {Promise<Reader> | null} */
  let creation = null;
  const follow = async () => {
    if (parseRoute(location.hash).view !== "library") {
      showView("reader");
      creation ??= createReader();
    }
    const reader = await creation;
    // The address may have changed while the reader was loaded.
    const route = parseRoute(location.hash);
    if (route.view === "library") {
      const isFirst = document.body.dataset.view !== "reader";
      reader?.close();
      showView("library");
      showTitle(t("library.title"));
      if (!isFirst) byId("library-title").focus();
    } else if (reader) {
      showView("reader");
      reader.open(route);
    }
  };
  addEventListener("hashchange", follow);
  follow();
}
