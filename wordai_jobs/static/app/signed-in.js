/** The app of somebody who is signed in: the library, and the reader once it is needed. */

import {Books, pathOfChapter} from "./library/books.js";
import {Jobs} from "./library/jobs.js";
import {Library} from "./library/library.js";
import {UploadQueue} from "./library/upload-queue.js";
import {Api} from "./shared/api.js";
import {confirm} from "./shared/confirm.js";
import {byId, fetchFiles, reportUnavailable, showView} from "./shared/dom.js";
import {t} from "./shared/i18n.js";
import {parseRoute} from "./shared/router.js";
import {showTitle} from "./shared/window-title.js";

/** @typedef {import("./reader/reader.js").Reader} Reader */

/**
 * @param {import("./library/upload-queue.js").Limits} limits
 * @param {import("./session/session.js").Session} session
 */
export function openLibrary(limits, session) {
  const api = new Api(session);
  const jobs = new Jobs(api);
  const books = new Books(api);
  const queue = new UploadQueue(api, books, jobs, limits);
  const library = new Library(jobs, books, queue);
  byId("account-name").textContent = session.name;
  const signOut = byId("sign-out");
  signOut.hidden = false;
  signOut.onclick = async () => {
    const answers = {yes: t("signOut"), no: t("leave.stay")};
    if (!queue.isBusy || await confirm(t("leave.confirm"), answers)) {
      queue.clear();
      session.signOut();
    }
  };
  followAddress(library, async () => {
    fetchFiles("for-reading");
    const route = parseRoute(location.hash);
    if (route.view === "chapter") api.begin(pathOfChapter(route.bookId, route.chapterId));
    const {Reader} = await import("./reader/reader.js");
    return new Reader(api, jobs, books);
  });
  // The reader's files are fetched once the library is there, so that chapters open at once.
  library.load().then(() => fetchFiles("for-reading"));
}

/**
 * @param {Library} library
 * @param {() => Promise<Reader>} createReader
 */
function followAddress(library, createReader) {
  /** @type {Promise<Reader> | null} */
  let creation = null;
  const follow = async () => {
    if (parseRoute(location.hash).view !== "library") {
      showView("reader");
      if (!creation) byId("reader-title").textContent = t("reader.loading");
      creation ??= createReader();
    }
    const reader = await creation;
    // The address may have changed while the reader was loaded.
    const route = parseRoute(location.hash);
    if (route.view === "library") {
      const isFirst = !reader;
      const closing = reader?.close();
      showView("library");
      showTitle(t("library.title"));
      if (isFirst) return;
      byId("library-title").focus();
      await closing; // which tells the server where the user has stopped reading
      library.refresh();
    } else if (reader) {
      showView("reader");
      reader.open(route);
    }
  };
  const followOrReport = () => follow().catch(reportUnavailable);
  addEventListener("hashchange", followOrReport);
  followOrReport();
}
