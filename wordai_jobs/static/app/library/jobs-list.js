/** The list of jobs, each with its phase, pages, time left, and what can be done about it. */

import {ProgressAnnouncer} from "../shared/announcer.js";
import {arrange, byId, fromTemplate, show} from "../shared/dom.js";
import {failure, timeLeft, when} from "../shared/format.js";
import {t} from "../shared/i18n.js";
import {phaseOf} from "./job-phase.js";
import {formatRoute} from "../shared/router.js";

const CANCELLED = "Cancelled by user";
const SECOND = 1000;

export class JobsList {
  /** @type {Map<string, HTMLElement>} */
  #items = new Map();
  #announcer = new ProgressAnnouncer();

  /** @param {import("./jobs.js").Jobs} jobs @param {import("./books.js").Books} books */
  constructor(jobs, books) {
    this.jobs = jobs;
    this.books = books;
    jobs.addEventListener("change", () => this.render());
    jobs.addEventListener("ended", ({detail}) => this.#announcer.ended(detail, this.title(detail)));
    books.addEventListener("change", () => this.render());
    byId("jobs-more").onclick = () => this.#load(() => jobs.more());
    setInterval(() => this.#renderTimesLeft(), SECOND);
  }

  load() {
    return this.#load(() => this.jobs.load());
  }

  /** @param {import("./jobs.js").Entry} entry */
  title(entry) {
    return titleOf(entry, this.books);
  }

  render() {
    const entries = this.jobs.list;
    arrange(byId("jobs"), entries.map((entry) => this.#item(entry)));
    byId("jobs-empty").hidden = entries.length > 0;
    byId("jobs-more").hidden = !this.jobs.hasMore;
    for (const entry of entries) this.#announcer.progress(entry, this.title(entry));
  }

  /** A page that takes long makes the time left grow, though no poll brings anything new. */
  #renderTimesLeft() {
    for (const entry of this.jobs.list) {
      const item = this.#items.get(entry.job.job_id);
      if (item && !entry.hasEnded) show(item.querySelector(".job-left"), leftWords(entry));
    }
  }

  async #load(act) {
    try {
      await act();
      show(byId("jobs-error"), "");
    } catch (error) {
      show(byId("jobs-error"), error.message);
    }
  }

  #item(entry) {
    const id = entry.job.job_id;
    const item = this.#items.get(id) ?? this.#newItem(entry);
    this.#items.set(id, item);
    fill(item, entry, this.title(entry));
    return item;
  }

  #newItem(entry) {
    const item = fromTemplate("job-template");
    item.dataset.jobId = entry.job.job_id;
    item.querySelector(".job-cancel").onclick = () => busy(item, () => this.jobs.cancel(entry));
    item.querySelector(".job-retry").onclick = () => busy(item, async () => {
      if (await this.jobs.retry(entry)) byId("jobs-title").focus();
    });
    return item;
  }
}

/** @param {import("./jobs.js").Entry} entry @param {import("./books.js").Books} books */
export function titleOf(entry, books) {
  return books.chapter(entry.job.result?.chapter_id)?.title ?? entry.memory?.title
    ?? t("job.untitled", {date: when(entry.job.created_at)});
}

async function busy(item, act) {
  const buttons = item.querySelectorAll("button");
  for (const button of buttons) button.disabled = true;
  await act();
  for (const button of buttons) button.disabled = false;
  if (!item.contains(document.activeElement)) item.querySelector("button:not([hidden])")?.focus();
}

function fill(item, entry, title) {
  const {job} = entry;
  const part = (name) => item.querySelector(`.job-${name}`);
  const phase = phaseOf(job);
  const state = job.error === CANCELLED ? "cancelled" : job.status;
  item.dataset.state = state;
  show(part("title"), title);
  show(part("state"), t(`job.${state}`));
  show(part("phase"), phaseWords(entry, phase));
  fillProgress(part("progress"), entry, title);
  show(part("pages"), pagesWords(phase));
  show(part("left"), leftWords(entry));
  show(part("waiting"), entry.problem && !entry.hasEnded ? t("job.waiting") : "");
  show(part("error"), errorWords(entry));
  fillActions(part, entry, phase, title);
}

function fillProgress(bar, entry, title) {
  bar.hidden = entry.hasEnded;
  bar.value = entry.job.progress;
  bar.setAttribute("aria-label", t("job.progressOf", {title}));
}

function fillActions(part, entry, phase, title) {
  const read = part("read");
  read.hidden = entry.job.status === "failed" || phase.done === 0;
  read.href = formatRoute({view: "job", jobId: entry.job.job_id, page: 1});
  show(read, read.hidden ? "" : t(entry.hasEnded ? "job.read" : "job.readSoFar"));
  read.setAttribute("aria-label", `${read.textContent}: ${title}`);
  part("retry").hidden = entry.job.status !== "failed";
  part("retry").setAttribute("aria-label", t("job.retryOf", {title}));
  part("cancel").hidden = entry.hasEnded;
  part("cancel").setAttribute("aria-label", t("job.cancelOf", {title}));
}

function phaseWords(entry, phase) {
  const {job} = entry;
  if (job.status === "completed") {
    return `${t("job.pagesTotal", {count: phase.total})} · ${t("job.finished", {date: when(job.completed_at ?? job.updated_at)})}`;
  }
  if (job.status === "failed") return t("job.endedAt", {date: when(job.failed_at ?? job.updated_at)});
  if (phase.name === "pending" && entry.queuePosition) return t("phase.queued", {position: entry.queuePosition});
  return t(`phase.${phase.name}`);
}

function pagesWords({name, done, total}) {
  return total && name !== "completed" ? t("job.pages", {done, total}) : "";
}

function leftWords(entry) {
  const left = entry.hasEnded || entry.problem ? null : entry.secondsLeft(performance.now());
  return left === null ? "" : timeLeft(left);
}

function errorWords({job, refusal}) {
  const ended = job.status === "failed" ? failure(job.error ?? "") : "";
  return refusal ? t("job.startFailed", {detail: refusal}) : ended;
}
