/** Titles that are suggested for chapters and books. */

const LONGEST_TITLE = 300;
/** Programs write these where an author has given no title. */
const NO_TITLE = /^(untitled|document\d*|slide \d+|.*\.(pdf|docx?|pptx?|tex|dvi|indd|qxd))$/i;
/** Numbers and the like at the end of what several titles have in common. */
const TAIL = /[\s\d.,:–—-]*(\b(chapter|chương|part|phần)\b)?[\s\d.,:–—-]*$/i;
const natural = new Intl.Collator(undefined, {numeric: true, sensitivity: "base"});

/**
 * A title from a file's name: `my_book-2.pdf` is `my book-2`.
 *
 * @param {string} name
 */
export function titleFrom(name) {
  return name.replace(/\.pdf$/i, "").replace(/[_\s]+/g, " ").trim().slice(0, LONGEST_TITLE);
}

/**
 * The title that a PDF gives itself, if it is one.
 *
 * @param {string | null | undefined} title
 */
export function usableTitle(title) {
  const plain = (title ?? "").replace(/^Microsoft (Word|PowerPoint) - /, "").trim();
  return NO_TITLE.test(plain) ? "" : plain.slice(0, LONGEST_TITLE);
}

/**
 * What several titles begin with, such as `Physics` for `Physics 1` and `Physics 2`; the first of
 * them if they have nothing in common.
 *
 * @param {readonly string[]} titles
 */
export function commonTitle(titles) {
  let [common] = titles;
  for (const title of titles) {
    while (!title.startsWith(common)) common = common.slice(0, -1);
  }
  if (titles.length > 1) common = common.replace(TAIL, "");
  return common.length >= 3 ? common : titles[0];
}

/**
 * Files in the natural order of their names: `2.pdf` comes before `10.pdf`.
 *
 * @param {readonly File[]} files
 */
export function inNaturalOrder(files) {
  return files.toSorted((one, other) => natural.compare(one.name, other.name));
}
