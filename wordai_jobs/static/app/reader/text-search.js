/** Finds text on a page, whatever its case and diacritics: `truong` finds `Trường`. */

/** @typedef {import("./lines.js").Word} Word */

/**
 * @typedef {object} Hit
 * @property {Word[]} words  Those that the query touches.
 * @property {string} before  Text before the hit.
 * @property {string} match
 * @property {string} after
 */

/** How many words are shown before and after a hit. */
const CONTEXT_WORDS = 6;

/**
 * @param {string} text
 * @returns {string}  Without diacritics, in lower case, with single spaces.
 */
export function normalize(text) {
  const plain = text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d");
  return plain.toLowerCase().replace(/\s+/g, " ").trim();
}

/**
 * All places of the query, which may run across words and lines.
 *
 * @param {Word[]} words
 * @param {string} query
 */
export function findIn(words, query) {
  const wanted = normalize(query);
  /** @type {Hit[]} */
  const hits = [];
  if (!wanted) return hits;

  let text = "";
  /** @type {number[]} Where each word starts in `text`. */
  const starts = [];
  for (const word of words) {
    starts.push(text.length);
    text += `${normalize(word[4])} `;
  }
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
    const first = wordAt(starts, at);
    const end = wordAt(starts, at + wanted.length - 1) + 1;
    hits.push({
      words: words.slice(first, end),
      before: textOf(words.slice(Math.max(0, first - CONTEXT_WORDS), first)),
      match: textOf(words.slice(first, end)),
      after: textOf(words.slice(end, end + CONTEXT_WORDS)),
    });
  }
  return hits;
}

/** @param {Word[]} words */
function textOf(words) {
  return words.map((word) => word[4]).join(" ");
}

/**
 * The index of the last word that starts at `position` or before.
 *
 * @param {number[]} starts
 * @param {number} position
 */
function wordAt(starts, position) {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (starts[middle] <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}
