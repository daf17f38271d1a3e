/** The jobs: cards of those that run or have failed, and those that have finished folded away. */

import {formatFailure, formatTime, formatTimeLeft} from "../shared/format.js";
import {html, icon} from "../shared/html.js";
import {isolated, t} from "../shared/i18n.js";
import {formatRoute} from "../shared/router.js";
import {phaseOf} from "./job-phase.js";
import {LEAVING_BAD_PAGES_BLANK, titleOf} from "./jobs.js";

/**
 * @typedef {import("./jobs.js").Jobs} Jobs
 * @typedef {import("./jobs.js").JobEntry} JobEntry
 * @typedef {import("./books.js").Books} Books
 */

const CANCELLED = "Cancelled by user";
/** How many cards of running jobs are shown; the others wait for them anyway. */
const RUNNING_SHOWN = 4;

/**
 * @param {Jobs} jobs
 * @param {Books} books
 * @param {string} error  Why the jobs could not be read.
 */
export function uploadsView(jobs, books, error) {
  const entries = jobs.list.filter((entry) => (
    !entry.isHidden && !books.isGone(bookOf(entry, books), entry.job.result?.chapter_id)));
  const finished = entries.filter(({job}) => job.status === "completed");
  const others = entries.filter(({job}) => job.status !== "completed");
  // The oldest of those that run are first in line.
  const running = others.filter((entry) => !entry.hasEnded).reverse();
  const shown = [...others.filter((entry) => entry.hasEnded), ...running.slice(0, RUNNING_SHOWN)];
  const waiting = running.slice(RUNNING_SHOWN);
  const isEmpty = !entries.length && !error;
  return html`
    <section class="uploads" key="uploads" aria-labelledby="jobs-title" hidden=${isEmpty}>
      <h2 id="jobs-title" tabindex="-1">${t("jobs.title")}</h2>
      ${error && html`<p class="error" id="jobs-error" role="alert">${error}</p>`}
      <ul class="jobs" id="jobs">${shown.map((entry) => jobView(entry, jobs, books))}</ul>
      ${waiting.length > 0 && html`
        <details class="folded" id="waiting">
          <summary>${t("jobs.waiting", {count: waiting.length})}</summary>
          <ul class="jobs">${waiting.map((entry) => jobView(entry, jobs, books))}</ul>
        </details>`}
      ${finished.length > 0 && html`
        <details class="folded" id="finished">
          <summary>${t("jobs.finished", {count: finished.length})}</summary>
          <ul class="finished">${finished.map((entry) => finishedView(entry, books))}</ul>
          ${jobs.hasMore && html`
            <button type="button" id="jobs-more" onClick=${() => jobs.loadMore()}>
              ${t("jobs.more")}
            </button>`}
        </details>`}
    </section>`;
}

/**
 * The id of the book of a job, if it is known.
 *
 * @param {JobEntry} entry
 * @param {Books} books
 */
function bookOf({job, submission}, books) {
  return books.chapter(job.result?.chapter_id)?.book_id ?? submission?.bookId;
}

/**
 * @param {JobEntry} entry
 * @param {Books} books
 */
function addressOf(entry, books) {
  const chapterId = entry.job.result?.chapter_id;
  const bookId = bookOf(entry, books);
  return chapterId && bookId
    ? formatRoute({view: "chapter", bookId, chapterId})
    : formatRoute({view: "job", jobId: entry.job.job_id});
}

/**
 * @param {JobEntry} entry
 * @param {Books} books
 */
function finishedView(entry, books) {
  const {job} = entry;
  const facts = [
    isolated(books.title(bookOf(entry, books) ?? "")),
    t("job.pagesTotal", {count: phaseOf(job).total}),
    t("job.finished", {date: formatTime(job.completed_at ?? job.updated_at)}),
  ];
  return html`
    <li class="job is-finished" key=${job.job_id} data-job-id=${job.job_id} data-state="completed">
      <a class="job-read" href=${addressOf(entry, books)}>${titleOf(entry, books)}</a>
      <span class="hint figures">${facts.filter(Boolean).join(" · ")}</span>
    </li>`;
}

/**
 * @param {JobEntry} entry
 * @param {Jobs} jobs
 * @param {Books} books
 */
function jobView(entry, jobs, books) {
  const {job, problem, refusal, hasEnded} = entry;
  const title = titleOf(entry, books);
  const book = books.title(bookOf(entry, books) ?? "");
  const phase = phaseOf(job);
  const state = job.error === CANCELLED ? "cancelled" : job.status;
  const hasFailed = job.status === "failed";
  const button = (
    /** @type {string} */ name, /** @type {string} */ text, /** @type {() => unknown} */ act,
    /** @type {string} */ style = "",
  ) => html`
    <button type="button" class=${`job-${name} ${style}`} aria-label=${`${text}: ${title}`}
            onClick=${(/** @type {any} */ {currentTarget}) => whileDisabled(currentTarget, act)}>
      ${text}
    </button>`;
  return html`
    <li class="job" key=${job.job_id} data-job-id=${job.job_id} data-state=${state}>
      <div class="job-head">
        <h3 class="job-title">${title}</h3>
        ${book && html`<p class="job-book hint">${t("job.in", {book})}</p>`}
        ${hasEnded && html`<p class="job-state">${t(`job.${state}`)}</p>`}
      </div>
      ${!hasEnded && html`
        <progress class="job-progress" max="100" value=${job.progress}
                  aria-label=${t("job.progressOf", {title})}></progress>
        <p class="job-figures figures">
          <span class="job-phase">${phaseText(entry, phase)}</span>
          <span class="job-left">${timeLeftText(entry)}</span>
        </p>`}
      ${problem && !hasEnded && html`<p class="job-waiting">${t("job.waiting")}</p>`}
      ${(refusal || hasFailed) && html`
        <p class="job-error error">${refusal || formatFailure(job.error ?? "")}</p>`}
      <div class="actions">
        ${!hasFailed && phase.done > 0 && html`
          <a class="button job-read" href=${addressOf(entry, books)}
             aria-label=${`${t("job.readSoFar")}: ${title}`}>${t("job.readSoFar")}</a>`}
        ${hasFailed && button("retry", t("job.retry"), () => jobs.retry(entry))}
        ${entry.hasBadPage && button("retry-blank", t("job.retryBlank"), () => (
          jobs.retry(entry, LEAVING_BAD_PAGES_BLANK)))}
        ${!hasEnded && button("cancel", t("job.cancel"), () => jobs.cancel(entry), "quiet")}
        ${hasEnded && html`
          <button type="button" class="icon-button quiet job-hide" onClick=${() => jobs.hide(entry)}
                  title=${t("job.hide", {title})}>
            ${icon("close")}
          </button>`}
      </div>
    </li>`;
}

/**
 * @param {HTMLButtonElement} button
 * @param {() => unknown} act
 */
async function whileDisabled(button, act) {
  button.disabled = true;
  await act();
  button.disabled = false;
}

/**
 * @param {JobEntry} entry
 * @param {import("./job-phase.js").Phase} phase
 */
function phaseText(entry, {name, done, total}) {
  if (total) return `${t("job.pages", {done, total})}`;
  if (name !== "pending") return t(`phase.${name}`);
  const position = entry.queuePosition;
  if (!entry.isQueued) return t("phase.starting");
  return position ? t("phase.queued", {position}) : t("phase.pending");
}

/** @param {JobEntry} entry */
function timeLeftText(entry) {
  const seconds = entry.problem ? null : entry.secondsLeft(performance.now());
  return seconds === null ? "" : formatTimeLeft(seconds);
}
