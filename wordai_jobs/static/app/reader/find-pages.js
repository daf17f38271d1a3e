/** Asks the server which pages have all words of a query. */

import {t} from "../shared/i18n.js";

/**
 * @typedef {object} PageHit  As the service sends it.
 * @property {string} book_id
 * @property {string} chapter_id
 * @property {number} page_number
 * @property {string} excerpt
 * @property {number[][]} boxes  Places of the words, in pixels of the page's image.
 *
 * @typedef {{bookId?: string, chapterId?: string}} Scope  Everything if it is empty.
 */

const MOST_HITS = 500;
const HITS_A_REQUEST = 100;
const LONGEST_QUERY = 200;

/**
 * @param {import("../shared/api.js").Api} api
 * @param {string} query
 * @param {Scope} scope
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<PageHit[]>}  In the order of reading.
 */
export async function* findPages(api, query, {bookId, chapterId}, signal) {
  const wanted = new URLSearchParams({
    q: query.slice(0, LONGEST_QUERY), limit: String(HITS_A_REQUEST),
    ...(bookId && {book_id: bookId}), ...(chapterId && {chapter_id: chapterId}),
  });
  let left = MOST_HITS;
  for (;;) {
    const {hits, next_cursor: cursor} = await api.get(`/api/v1/search?${wanted}`, signal);
    yield hits.slice(0, left);
    left -= hits.length;
    if (!cursor || left <= 0) return;
    wanted.set("cursor", cursor);
  }
}

/** @param {number} count  How many pages a search has found. */
export function countMessage(count) {
  if (!count) return t("search.none");
  return t(count < MOST_HITS ? "search.found" : "search.most", {count});
}

/**
 * @param {string} text
 * @returns {string}  Without diacritics, in lower case, with single spaces.
 */
export function normalize(text) {
  const plain = text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d");
  return plain.toLowerCase().replace(/\s+/g, " ").trim();
}

/**
 * The excerpt in parts, of which every second one, from the second on, is a word of the query.
 *
 * @param {string} excerpt
 * @param {string} query
 */
export function markedParts(excerpt, query) {
  const wanted = normalize(query).split(" ").filter((word) => /[\p{L}\p{N}]/u.test(word));
  const parts = [""];
  for (const part of excerpt.split(/([\p{L}\p{N}\p{M}]+)/u)) {
    const plain = normalize(part);
    const isHit = plain !== "" && wanted.some((word) => isWord(plain, word));
    if (isHit === (parts.length % 2 === 0)) parts[parts.length - 1] += part;
    else if (part) parts.push(part);
  }
  return parts;
}

/**
 * @param {string} plain  A word of the excerpt, or what is between two.
 * @param {string} wanted
 */
function isWord(plain, wanted) {
  // Chinese, Japanese and Korean have no blanks between words.
  return plain.startsWith(wanted) || (wanted >= "\u2e80" && plain.includes(wanted));
}
