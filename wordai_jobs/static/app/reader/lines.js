/** Puts a page's words together to lines, to be selected, copied and read line by line. */

/**
 * @typedef {[number, number, number, number, string]} Word  x0, y0, x1, y1 in pixels of the page's
 *   image, and the text.
 * @typedef {"ltr" | "rtl" | "down" | "up"} Writing  Where a line runs: to the right, to the left,
 *   down (vertical writing, or turned by 90°) or up (turned the other way).
 * @typedef {{words: Word[], writing: Writing}} Line
 */

const RIGHT_TO_LEFT = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u;
export const IDEOGRAPHIC =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
/** Words with a gap that is larger than this many line heights are parts of a table or columns. */
const LARGEST_GAP = 3;

/**
 * @param {Word[]} words  In reading order.
 * @returns {Line[]}
 */
export function linesOf(words) {
  /** @type {{words: Word[], isVertical: boolean}[]} */
  const lines = [];
  for (const [index, word] of words.entries()) {
    const line = lines.at(-1);
    if (line && continuesLine(line, word)) line.words.push(word);
    else lines.push({words: [word], isVertical: isVertical(word, words[index + 1])});
  }
  return lines.map(({words: inLine, isVertical: isDown}) => ({
    words: inLine, writing: isDown ? verticalWriting(inLine) : horizontalWriting(inLine),
  }));
}

/**
 * The smallest box around the words.
 *
 * @param {Word[]} words
 * @returns {[number, number, number, number]}
 */
export function boxOf(words) {
  return [
    Math.min(...words.map((word) => word[0])), Math.min(...words.map((word) => word[1])),
    Math.max(...words.map((word) => word[2])), Math.max(...words.map((word) => word[3])),
  ];
}

/**
 * Whether the middle of the word is in the box.
 *
 * @param {Word} word
 * @param {number[]} box
 */
export function isIn([x0, y0, x1, y1], [left, top, right, bottom]) {
  const [x, y] = [(x0 + x1) / 2, (y0 + y1) / 2];
  return left <= x && x <= right && top <= y && y <= bottom;
}

/**
 * Whether the word is in the same line as the one before it: at the same height and to the right,
 * or to the left if it is written so; in the same column and close if the line is vertical.
 *
 * @param {{words: Word[], isVertical: boolean}} line
 * @param {Word} word
 */
function continuesLine({words, isVertical: isDown}, word) {
  const before = words[words.length - 1];
  const [start, end] = isDown ? [before[0], before[2]] : [before[1], before[3]];
  const [itsStart, itsEnd] = isDown ? [word[0], word[2]] : [word[1], word[3]];
  const thickness = Math.min(end - start, itsEnd - itsStart);
  if (Math.min(end, itsEnd) - Math.max(start, itsStart) <= thickness / 2) return false;
  if (isDown) return Math.max(word[1] - before[3], before[1] - word[3]) < thickness;
  if (word[0] >= before[0]) return true;
  const isNear = before[0] - word[2] < thickness * LARGEST_GAP;
  return isNear && [...words, word].some((it) => RIGHT_TO_LEFT.test(it[4]));
}

/**
 * @param {Word} word
 * @param {Word} [next]  Tells the direction of a word that is too short to show it.
 * @returns {boolean}
 */
function isVertical([x0, y0, x1, y1, text], next) {
  const ratio = (y1 - y0) / (x1 - x0 || 1);
  if (IDEOGRAPHIC.test(text) ? text.length > 1 : text.length > 3) return ratio > 1.5;
  if (ratio < 1 || !next) return false;
  const isBeside = Math.min(x1, next[2]) - Math.max(x0, next[0]) > (x1 - x0) / 2;
  return isBeside && isVertical(next);
}

/** @param {Word[]} words */
function horizontalWriting(words) {
  const [toLeft, all] = [words.filter((word) => RIGHT_TO_LEFT.test(word[4])).length, words.length];
  return toLeft * 2 > all ? "rtl" : "ltr";
}

/** @param {Word[]} words  A single word that is turned is taken for one that runs up. */
function verticalWriting(words) {
  if (words.some((word) => IDEOGRAPHIC.test(word[4]))) return "down";
  return words.length > 1 && words[0][1] < words[1][1] ? "down" : "up";
}
