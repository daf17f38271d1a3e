/** Puts a page's words together to lines, so that text is selected and copied line by line. */

/**
 * @typedef {[number, number, number, number, string]} Word  x0, y0, x1, y1 in pixels of the page's
 *   image, and the text.
 */

/**
 * @param {Word[]} words  In reading order.
 * @returns {Word[][]}
 */
export function linesOf(words) {
  /** @type {Word[][]} */
  const lines = [];
  for (const word of words) {
    const before = lines.at(-1)?.at(-1);
    if (before && continuesLine(before, word)) lines[lines.length - 1].push(word);
    else lines.push([word]);
  }
  return lines;
}

/**
 * Whether the word is at the same height as the one before it, and to the right of it.
 *
 * @param {Word} before
 * @param {Word} word
 */
function continuesLine(before, word) {
  const overlap = Math.min(before[3], word[3]) - Math.max(before[1], word[1]);
  const height = Math.min(before[3] - before[1], word[3] - word[1]);
  return overlap > height / 2 && word[0] >= before[0];
}
