/** The view in the address, so that reloads, bookmarks and the back button find it. */

/**
 * @typedef {{view: "job", jobId: string, page?: number}} JobRoute  Reading what a job has created.
 * @typedef {{view: "chapter", bookId: string, chapterId: string, page?: number, query?: string}}
 *   ChapterRoute  Without a page it leads to where the user stopped reading. The query is that of
 *   the search that has led there.
 * @typedef {{view: "search", query: string}} SearchRoute  A search in all books.
 * @typedef {{view: "library"} | JobRoute | ChapterRoute | SearchRoute} Route
 */

/**
 * @param {string} hash  As in `location.hash`.
 * @returns {Route}
 */
export function parseRoute(hash) {
  const [path, search] = hash.replace(/^#\/?/, "").split("?");
  const query = new URLSearchParams(search).get("q");
  const [kind, ...ids] = path.split("/").map(decode);
  if (kind === "search") return {view: "search", query: query ?? ""};
  if (kind === "jobs" && ids[0]) return {view: "job", jobId: ids[0], ...pageOf(ids[1])};
  if (kind === "books" && ids[0] && ids[1]) {
    const [bookId, chapterId] = ids;
    return {view: "chapter", bookId, chapterId, ...pageOf(ids[2]), ...(query && {query})};
  }
  return {view: "library"};
}

/**
 * @param {Route} route
 * @returns {string}  As in `location.hash`.
 */
export function formatRoute(route) {
  if (route.view === "library") return "#/";
  const query = "query" in route && route.query ? `?${new URLSearchParams({q: route.query})}` : "";
  if (route.view === "search") return `#/search${query}`;
  const parts = route.view === "job"
    ? ["jobs", route.jobId]
    : ["books", route.bookId, route.chapterId];
  if (route.page) parts.push(String(route.page));
  return `#/${parts.map(encodeURIComponent).join("/")}${query}`;
}

/** @param {string | undefined} text */
function pageOf(text) {
  return /^[1-9]\d{0,5}$/.test(text ?? "") ? {page: Number(text)} : {};
}

/** @param {string} text */
function decode(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
