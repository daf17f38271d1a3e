/**
 * The words of a page as flowing text: paragraphs, headings, which have larger letters, and
 * listings, such as code, whose letters all have one width.
 */

import {boxOf, IDEOGRAPHIC, linesOf} from "./lines.js";

/**
 * @typedef {import("./lines.js").Word} Word
 * @typedef {import("./lines.js").Line} Line
 * @typedef {{word: Word, text: string}} Piece  A word, and as it appears: with a blank behind it,
 *   or without the hyphen of a line's end. In a listing, with all blanks and the ends of lines.
 * @typedef {{level: 0 | 2 | 3, isListing?: boolean, pieces: Piece[]}} Block  A heading, or with
 *   level 0 a paragraph or a listing.
 */

const [SECTION_SIZE, SUBSECTION_SIZE] = [1.5, 1.18];
const LONGEST_HEADING = 200;
/** In line heights. */
const [PARAGRAPH_GAP, INDENT, SHORT_LINE] = [0.55, 0.8, 4];
/** In line heights: lines of a listing, and a blank line between them. */
const [LISTING_GAP, BLANK_LINE] = [1.8, 0.6];
/** So many words with several letters, each of one width, are no chance. */
const LISTING_WORDS = 4;
/** Symbols of fonts that no letter stands for. */
const NO_LETTER = /^[\p{Co}\p{Cc}\p{Cn}\ufffd]$/u;
const BULLET = /^([•▪‣◦■●–—*\p{Co}\p{Cc}\p{Cn}\ufffd-]|\d{1,3}[.)]|[a-z][)])$/u;
const SENTENCE_END = /[.!?:…。！？][”"’')\]]*$/u;
/** The dots of a table of contents are words of their own. */
const LEADER = /^[.·…_]+$/;
const BROKEN_WORD = /\p{L}[-\u00ad\u2010]$/u;
const WITHOUT_BLANKS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\u3000-\u303f\uff00-\uff60]/u;

/** Counts letters by their size, to know the usual one of a chapter. */
export class TextSizes {
  /** @type {Map<number, number>} */
  #letters = new Map();

  /** @param {Word[]} words */
  add(words) {
    for (const {words: inLine, writing} of linesOf(words)) {
      const size = Math.round(sizeOf({words: inLine, writing}));
      const letters = inLine.reduce((sum, word) => sum + word[4].length, 0);
      this.#letters.set(size, (this.#letters.get(size) ?? 0) + letters);
    }
  }

  /** The size of most letters; 0 if there are none. */
  get usual() {
    const [size = 0] = [...this.#letters].sort((one, other) => other[1] - one[1])[0] ?? [];
    return size;
  }
}

/**
 * @param {Word[]} words
 * @param {number} usualSize  Of the chapter's letters.
 * @returns {Block[]}
 */
export function flow(words, usualSize) {
  const lines = linesOf(words);
  const right = Math.max(0, ...lines.map(({words: inLine}) => boxOf(inLine)[2]));
  const runs = runsOf(lines, continuesListing);
  const listings = new Set(runs.filter(isListing));
  const sections = runsOf(runs, ([before], run) => !listings.has(before) && !listings.has(run));
  return sections.flatMap((section) => {
    if (listings.has(section[0])) return [listing(section[0])];
    const groups = runsOf(section.flat(), (group, line) => continuesBlock(group, line, right));
    return groups.map((group) => block(group, usualSize));
  });
}

/**
 * @template T
 * @param {T[]} items
 * @param {(run: T[], item: T) => boolean} continues
 */
function runsOf(items, continues) {
  /** @type {T[][]} */
  const runs = [];
  for (const item of items) {
    const run = runs.at(-1);
    if (run && continues(run, item)) run.push(item);
    else runs.push([item]);
  }
  return runs;
}

/**
 * Whether the line has letters of the same size and width and is right below the others.
 *
 * @param {Line[]} run
 * @param {Line} line
 */
function continuesListing(run, line) {
  const before = run[run.length - 1];
  const [advance, advanceBefore] = [advanceOf(line), advanceOf(before)];
  const [size, sizeBefore] = [sizeOf(line), sizeOf(before)];
  const below = line.words[0][1] - before.words[0][3];
  return advance > 0 && advanceBefore > 0 && Math.abs(advance - advanceBefore) < 0.03 * advance
    && Math.abs(size - sizeBefore) < 0.05 * size && below > -size / 2 && below < LISTING_GAP * size;
}

/** @param {Line[]} run */
function isListing(run) {
  const words = run.flatMap((line) => line.words).filter((word) => word[4].length > 2);
  return run.length > 1 && words.length >= LISTING_WORDS && advanceOf(run[0]) > 0;
}

/**
 * The width of the line's letters, if all have the same and stand in its grid; else 0.
 *
 * @param {Line} line
 */
function advanceOf({words, writing}) {
  const letters = words.reduce((sum, word) => sum + word[4].length, 0);
  const advance = words.reduce((sum, [x0, , x1]) => sum + x1 - x0, 0) / letters;
  const isListed = writing === "ltr" && words.every(([x0, , x1, , text], index) => {
    const gap = index > 0 ? x0 - words[index - 1][2] : advance;
    const blanks = Math.max(1, Math.round(gap / advance));
    return !IDEOGRAPHIC.test(text)
      && Math.abs(x1 - x0 - text.length * advance) < 0.06 * advance
      && Math.abs(gap - blanks * advance) < 0.06 * advance;
  });
  return isListed ? advance : 0;
}

/**
 * @param {Line[]} lines
 * @returns {Block}
 */
function listing(lines) {
  const advance = advanceOf(lines[0]);
  const left = Math.min(...lines.map(({words: [first]}) => first[0]));
  const blanks = (/** @type {number} */ width) => " ".repeat(Math.round(width / advance));
  const pieces = lines.flatMap(({words}, row) => words.map((word, index) => {
    const [next, nextLine] = [words[index + 1], lines[row + 1]?.words[0]];
    let text = word[4];
    if (row === 0 && index === 0) text = blanks(word[0] - left) + text;
    if (next) {
      text += blanks(next[0] - word[2]);
    } else if (nextLine) {
      const isApart = nextLine[1] - word[3] > BLANK_LINE * (word[3] - word[1]);
      text += (isApart ? "\n\n" : "\n") + blanks(nextLine[0] - left);
    }
    return {word, text};
  }));
  return {level: 0, isListing: true, pieces};
}

/**
 * @param {Line[]} group
 * @param {Line} line
 * @param {number} right  The end of the page's longest line.
 */
function continuesBlock(group, line, right) {
  const before = group[group.length - 1];
  if (line.writing !== before.writing) return false;
  const [size, sizeBefore] = [sizeOf(line), sizeOf(before)];
  if (Math.max(size, sizeBefore) > 1.15 * Math.min(size, sizeBefore)) return false;
  if (BULLET.test(line.words[0][4]) || hasLeader(before)) return false;
  if (line.writing !== "ltr" && line.writing !== "rtl") return true;
  const [x0, y0] = boxOf(line.words);
  const [, beforeY0, beforeX1, beforeY1] = boxOf(before.words);
  if (y0 - beforeY1 > PARAGRAPH_GAP * size) return false;
  const last = before.words[before.words.length - 1][4];
  // The next column goes on with the sentence.
  if (y0 < beforeY0 - size) return !SENTENCE_END.test(last);
  if (line.writing === "rtl") return true;
  const left = Math.min(...group.map(leftOf));
  if (group.length > 1 && x0 - left > INDENT * size) return false;
  const widest = Math.max(beforeX1, ...group.map((it) => boxOf(it.words)[2]));
  const end = Math.min(right, Math.max(widest, boxOf(line.words)[2]));
  return !(SENTENCE_END.test(last) && beforeX1 < end - SHORT_LINE * size);
}

/**
 * @param {Line[]} group
 * @param {number} usualSize
 * @returns {Block}
 */
function block(group, usualSize) {
  const words = group.flatMap((line) => line.words)
    .filter((word, index, all) => !(LEADER.test(word[4]) && LEADER.test(all[index - 1]?.[4])));
  const lineEnds = new Set(group.map((line) => line.words[line.words.length - 1]));
  const pieces = words.map((word, index) => {
    const shown = index === 0 && NO_LETTER.test(word[4]) ? "•" : word[4];
    return {word, text: pieceOf(shown, words[index + 1]?.[4], lineEnds.has(word))};
  });
  const ratio = usualSize ? sizeOf(group[0]) / usualSize : 1;
  const text = pieces.map((piece) => piece.text).join("");
  const mayBeHeading = text.length <= LONGEST_HEADING && /\p{L}/u.test(text);
  if (!mayBeHeading || ratio < SUBSECTION_SIZE) return {level: 0, pieces};
  return {level: ratio < SECTION_SIZE ? 3 : 2, pieces};
}

/**
 * @param {string} word
 * @param {string | undefined} next
 * @param {boolean} isLineEnd
 */
function pieceOf(word, next, isLineEnd) {
  if (next === undefined) return word;
  if (isLineEnd && BROKEN_WORD.test(word) && /^\p{Ll}/u.test(next)) {
    const isOwn = word.slice(0, -1).includes("-") || word.length === 2;
    return isOwn ? word : word.slice(0, -1);
  }
  const isDense = WITHOUT_BLANKS.test(word.slice(-1)) && WITHOUT_BLANKS.test(next[0]);
  return isDense ? word : `${word} `;
}

/** @param {Line} line  Where its text begins, behind a bullet. */
function leftOf({words: [first, second]}) {
  return BULLET.test(first[4]) && second ? second[0] : first[0];
}

/** @param {Line} line */
function hasLeader({words}) {
  return words.filter((word) => LEADER.test(word[4])).length > 2;
}

/** @param {Line} line  The middle one of its words' sizes. */
function sizeOf({words, writing}) {
  const isVertical = writing === "down" || writing === "up";
  const sizes = words.map(([x0, y0, x1, y1]) => (isVertical ? x1 - x0 : y1 - y0));
  return sizes.sort((one, other) => one - other)[sizes.length >> 1];
}
