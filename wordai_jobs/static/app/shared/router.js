/** The view in the address, so that a reload, a bookmark and the back button find it. */

/**
 * @typedef {{view: "library"}
 *   | {view: "job", jobId: string, page: number}
 *   | {view: "chapter", bookId: string, chapterId: string, page: number}} Route
 */

/**
 * @param {string} hash  As in `location.hash`.
 * @returns {Route}
 */
export function parseRoute(hash) {
  const [kind, ...ids] = hash.replace(/^#\/?/, "").split("/").map(decoded);
  if (kind === "jobs" && ids[0]) return {view: "job", jobId: ids[0], page: pageNumber(ids[1])};
  if (kind === "books" && ids[0] && ids[1]) {
    return {view: "chapter", bookId: ids[0], chapterId: ids[1], page: pageNumber(ids[2])};
  }
  return {view: "library"};
}

/** @param {Route} route */
export function formatRoute(route) {
  if (route.view === "job") return path("jobs", route.jobId, route.page);
  if (route.view === "chapter") return path("books", route.bookId, route.chapterId, route.page);
  return "#/";
}

function path(...parts) {
  const shown = parts.at(-1) === 1 ? parts.slice(0, -1) : parts;
  return `#/${shown.map((part) => encodeURIComponent(part)).join("/")}`;
}

function pageNumber(text) {
  return /^[1-9]\d{0,5}$/.test(text ?? "") ? Number(text) : 1;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
