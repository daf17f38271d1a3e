/** What a job is doing, read from its status and message. */

const SOME_PAGES = /^Processed (\d+)\/(\d+) pages/;
const ALL_PAGES = /^Processed (\d+) pages?\./;

/**
 * @typedef {"pending" | "fetching" | "opening" | "pages" | "chapter" | "completed" | "failed"} Name
 * @typedef {object} Phase
 * @property {Name} name
 * @property {number} done  Pages that can be read.
 * @property {number} total  Pages of the PDF; 0 if that is not known yet.
 */

/**
 * @param {import("../../poll-job.js").Job} job
 * @returns {Phase}
 */
export function phaseOf(job) {
  if (job.status === "completed") {
    const total = job.result?.total_pages ?? 0;
    return {name: "completed", done: total, total};
  }
  if (job.status !== "processing") return {name: job.status, done: 0, total: 0};
  const [, done, total] = SOME_PAGES.exec(job.message) ?? [];
  if (total) return {name: "pages", done: Number(done), total: Number(total)};
  const [, all] = ALL_PAGES.exec(job.message) ?? [];
  if (all) return {name: "chapter", done: Number(all), total: Number(all)};
  return {name: job.progress < 30 ? "fetching" : "opening", done: 0, total: 0};
}
