/** Where the user stopped reading: kept at once in this browser, and soon after on the server. */

import {recall, remember} from "../shared/local-storage.js";

/**
 * @typedef {{bookId: string, chapterId: string}} ChapterIds
 * @typedef {{page: number, isSent: boolean}} Kept  `isSent`: whether the server knows it.
 */

const STORAGE_KEY = "positions";
const CHAPTERS_KEPT = 300;
/** Pages that are only leafed through are not sent. */
const SENDING_PAUSE_MS = 2000;

export class Positions {
  #timer = 0;
  /** @type {ChapterIds | null} Whose position the server does not know yet. */
  #unsent = null;

  /** @param {Pick<import("../shared/api.js").Api, "put">} api */
  constructor(api) {
    this.api = api;
    globalThis.addEventListener?.("pagehide", () => this.send());
    globalThis.document?.addEventListener("visibilitychange", () => this.send());
  }

  /**
   * The page to continue at. What the server has not been told yet is newer than what it says;
   * otherwise the user may have read on with another device.
   *
   * @param {string} chapterId
   * @param {number | undefined} onServer
   */
  find(chapterId, onServer) {
    const kept = allKept()[chapterId];
    return (kept?.isSent ? onServer : undefined) ?? kept?.page ?? onServer ?? 1;
  }

  /**
   * @param {ChapterIds} ids
   * @param {number} page
   */
  keep(ids, page) {
    const kept = allKept()[ids.chapterId];
    if (kept?.isSent && kept.page === page) return;
    write(ids.chapterId, {page, isSent: false});
    this.#unsent = ids;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.send(), SENDING_PAUSE_MS);
  }

  /** Tells the server now. If that fails, the next turning of a page tries again. */
  async send() {
    clearTimeout(this.#timer);
    if (!this.#unsent) return;
    const {bookId, chapterId} = this.#unsent;
    const page = allKept()[chapterId]?.page;
    this.#unsent = null;
    if (!page) return;
    const [book, chapter] = [bookId, chapterId].map(encodeURIComponent);
    try {
      const path = `/api/v1/books/${book}/chapters/${chapter}/position`;
      await this.api.put(path, {page_number: page});
      if (allKept()[chapterId]?.page === page) write(chapterId, {page, isSent: true});
    } catch (error) {
      console.warn("The position is kept in this browser only:", error.message);
    }
  }
}

/** @returns {Record<string, Kept>} By chapter; the last read is the last. */
function allKept() {
  return recall(STORAGE_KEY) ?? {};
}

/**
 * @param {string} chapterId
 * @param {Kept} kept
 */
function write(chapterId, kept) {
  const {[chapterId]: _, ...others} = allKept();
  const recent = Object.entries(others).slice(1 - CHAPTERS_KEPT);
  remember(STORAGE_KEY, {...Object.fromEntries(recent), [chapterId]: kept});
}
