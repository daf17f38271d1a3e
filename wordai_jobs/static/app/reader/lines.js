/** Words of a page, put together to lines: text that is selected and copied line by line reads as it stands there. */

/** @typedef {[number, number, number, number, string]} Word  x0, y0, x1, y1 in pixels of the page's image, and the text. */

/**
 * @param {Word[]} words  In reading order.
 * @returns {Word[][]}
 */
export function linesOf(words) {
  /** @type {Word[][]} */
  const lines = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line && follows(/** @type {Word} */ (line.at(-1)), word)) line.push(word);
    else lines.push([word]);
  }
  return lines;
}

/** On the same height, and to the right of it. @param {Word} before @param {Word} word */
function follows(before, word) {
  const overlap = Math.min(before[3], word[3]) - Math.max(before[1], word[1]);
  const height = Math.min(before[3] - before[1], word[3] - word[1]);
  return overlap > height / 2 && word[0] >= before[0];
}
