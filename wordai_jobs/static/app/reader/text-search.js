/** Finding words on a page, whatever their case and accents: `truong` finds `Trường`. */

/** @typedef {import("./lines.js").Word} Word */

/** @typedef {{words: Word[], before: string, match: string, after: string}} Hit */

const CONTEXT = 6;

/** @param {string} text  Accents gone, in lower case, single spaces. */
export function normalize(text) {
  return text.normalize("NFD").replace(/\p{M}/gu, "").replace(/[đĐ]/g, "d").toLowerCase().replace(/\s+/g, " ").trim();
}

/**
 * The places where the query stands, across words and lines.
 *
 * @param {Word[]} words
 * @param {string} query
 * @returns {Hit[]}
 */
export function findIn(words, query) {
  const wanted = normalize(query);
  if (!wanted) return [];
  const {text, starts} = joined(words);
  const hits = [];
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
    hits.push(hit(words, wordAt(starts, at), wordAt(starts, at + wanted.length - 1)));
  }
  return hits;
}

function joined(words) {
  const starts = [];
  let text = "";
  for (const word of words) {
    starts.push(text.length);
    text += `${normalize(word[4])} `;
  }
  return {text, starts};
}

/** The index of the last word that starts at `position` or before. */
function wordAt(starts, position) {
  let [low, high] = [0, starts.length - 1];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (starts[middle] <= position) low = middle;
    else high = middle - 1;
  }
  return low;
}

function hit(words, first, last) {
  const text = (from, to) => words.slice(Math.max(0, from), to).map((word) => word[4]).join(" ");
  return {
    words: words.slice(first, last + 1),
    before: text(first - CONTEXT, first), match: text(first, last + 1), after: text(last + 1, last + 1 + CONTEXT),
  };
}
