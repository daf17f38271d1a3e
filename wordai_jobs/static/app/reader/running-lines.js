/** Finds running heads and page numbers, which flowing text leaves out. */

import {boxOf, linesOf} from "./lines.js";

/**
 * @typedef {import("./lines.js").Word} Word
 *
 * @typedef {object} Edge  The first or the last line of a page.
 * @property {string} text  With `#` for each number.
 * @property {number[]} numbers  The page's own number last, if the page is labelled with another.
 * @property {number} top  In pixels, as `height`.
 * @property {number} height
 * @property {Word[]} words
 */

export class RunningLines {
  /** @type {Map<number, Edge[]>} By page. */
  #edges = new Map();

  /**
   * @param {number} page
   * @param {string} label  As printed, which need not be a number.
   * @param {Word[]} words
   */
  add(page, label, words) {
    if (!this.#edges.has(page)) this.#edges.set(page, edgesOf(page, label, words));
  }

  /**
   * The words of the lines of this page that stand at the same place of another page that is known,
   * with the same text but for numbers that go on like the pages.
   *
   * @param {number} page
   * @returns {Set<Word>}
   */
  of(page) {
    const others = [...this.#edges].filter(([number]) => number !== page);
    const found = (this.#edges.get(page) ?? []).filter((edge) => (
      others.some(([number, edges]) => edges.some((it) => goesOn(edge, it, number - page)))));
    return new Set(found.flatMap(({words}) => words));
  }
}

/**
 * @param {number} page
 * @param {string} label
 * @param {Word[]} words
 * @returns {Edge[]}  Only lines with a gap between them and the text, in letters of its size.
 */
function edgesOf(page, label, words) {
  const lines = rowsOf(words);
  if (lines.length < 2) return [];
  const heights = lines.map(({height}) => height).sort((one, other) => one - other);
  const usual = heights[heights.length >> 1];
  const pairs = [[lines[0], lines[1]], [lines[lines.length - 1], lines[lines.length - 2]]];
  return pairs.filter(([edge, beside]) => (
    edge.height <= usual * 1.1 && Math.abs(edge.top - beside.top) > usual * 1.8))
    .map(([edge]) => ({...edge, ...comparable(edge.words, page, label)}));
}

/**
 * The lines from top to bottom; those at the same height are one, such as a title and a number at
 * the other end.
 *
 * @param {Word[]} words
 */
function rowsOf(words) {
  /** @type {{top: number, height: number, words: Word[]}[]} */
  const rows = [];
  const lines = linesOf(words).map((line) => ({words: line.words, box: boxOf(line.words)}))
    .sort((one, other) => one.box[1] - other.box[1]);
  for (const {words: inLine, box: [, top, , bottom]} of lines) {
    const last = rows.at(-1);
    if (last && top < last.top + last.height / 2) last.words.push(...inLine);
    else rows.push({top, height: bottom - top, words: [...inLine]});
  }
  return rows;
}

/**
 * @param {Word[]} words
 * @param {number} page
 * @param {string} label
 */
function comparable(words, page, label) {
  /** @type {number[]} */
  const numbers = [];
  const text = words.map((word) => {
    if (word[4] !== label) return word[4];
    numbers.push(page);
    return "#";
  }).join(" ").replace(/\d+/g, (number) => {
    numbers.push(Number(number));
    return "#";
  });
  return {text, numbers};
}

/**
 * @param {Edge} one
 * @param {Edge} other
 * @param {number} pages  From one to the other.
 */
function goesOn(one, other, pages) {
  return one.text === other.text
    && Math.abs(one.top - other.top) < one.height / 2
    && one.numbers.every((number, index) => [0, pages].includes(other.numbers[index] - number));
}
