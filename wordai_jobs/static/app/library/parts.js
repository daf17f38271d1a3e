/** The chapters that a PDF's outline suggests. */

/**
 * @typedef {{title: string, level: number, page_number: number}} OutlineEntry
 *
 * @typedef {object} Part  One of the chapters that a PDF may become.
 * @property {string} title
 * @property {number} first  Of its pages, from 1.
 * @property {number} last
 * @property {boolean} isChosen
 */

const LONGEST_TITLE = 300;
const MOST = 200;
/** A PDF whose parts are shorter than this is rather an article than a book. */
const SHORTEST_CHAPTER = 5;

/**
 * One part for each entry of the highest level that has several. Pages before the first of them are
 * a part too, which is not chosen.
 *
 * @param {readonly OutlineEntry[]} outline
 * @param {number} pageCount
 * @param {string} titleOfRest  For the pages before the first entry.
 * @returns {Part[]}  Empty if the outline divides nothing.
 */
export function partsOf(outline, pageCount, titleOfRest) {
  const entries = outline
    .filter((it) => it.title.trim() && it.page_number >= 1 && it.page_number <= pageCount);
  const levels = [...new Set(entries.map((it) => it.level))].sort((one, other) => one - other);
  const level = levels.find((it) => startsAt(entries, it).length > 1);
  if (level === undefined) return [];
  const starts = startsAt(entries, level).slice(0, MOST - 1);
  const parts = starts.map(({title, page_number: first}, index) => ({
    title: title.trim().slice(0, LONGEST_TITLE),
    first,
    last: (starts[index + 1]?.page_number ?? pageCount + 1) - 1,
    isChosen: true,
  }));
  const rest = {title: titleOfRest, first: 1, last: parts[0].first - 1, isChosen: false};
  return rest.last ? [rest, ...parts] : parts;
}

/**
 * Whether the parts are long enough to be chapters of a book.
 *
 * @param {readonly Part[]} parts
 */
export function areChapters(parts) {
  const pages = parts.reduce((sum, {first, last}) => sum + last - first + 1, 0);
  return parts.length > 1 && pages / parts.length >= SHORTEST_CHAPTER;
}

/**
 * The entries of a level in the order of their pages, one for each page.
 *
 * @param {readonly OutlineEntry[]} entries
 * @param {number} level
 */
function startsAt(entries, level) {
  return entries
    .filter((it) => it.level === level)
    .sort((one, other) => one.page_number - other.page_number)
    .filter((it, index, all) => it.page_number !== all[index - 1]?.page_number);
}
