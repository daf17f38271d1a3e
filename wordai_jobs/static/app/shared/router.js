/** The view in the address, so that reloads, bookmarks and the back button find it. */

/**
 * @typedef {{view: "job", jobId: string, page: number}} JobRoute  Reading what a job has created.
 * @typedef {{view: "chapter", bookId: string, chapterId: string, page: number}} ChapterRoute
 * @typedef {{view: "library"} | JobRoute | ChapterRoute} Route
 */

/**
 * @param {string} hash  As in `location.hash`.
 * @returns {Route}
 */
export function parseRoute(hash) {
  const [kind, ...ids] = hash.replace(/^#\/?/, "").split("/").map(decode);
  if (kind === "jobs" && ids[0]) return {view: "job", jobId: ids[0], page: pageNumber(ids[1])};
  if (kind === "books" && ids[0] && ids[1]) {
    return {view: "chapter", bookId: ids[0], chapterId: ids[1], page: pageNumber(ids[2])};
  }
  return {view: "library"};
}

/**
 * @param {Route} route
 * @returns {string}  As in `location.hash`; the first page is not named.
 */
export function formatRoute(route) {
  if (route.view === "library") return "#/";
  const parts = route.view === "job"
    ? ["jobs", route.jobId]
    : ["books", route.bookId, route.chapterId];
  if (route.page !== 1) parts.push(String(route.page));
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** @param {string | undefined} text */
function pageNumber(text) {
  return /^[1-9]\d{0,5}$/.test(text ?? "") ? Number(text) : 1;
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
