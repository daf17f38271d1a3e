/** What a screen reader says of things that happen elsewhere on the page. */

import {byId} from "./dom.js";
import {failure} from "./format.js";
import {t} from "./i18n.js";

const STEP = 10;

/** @param {string} words */
export function announce(words) {
  byId("announcer").textContent = words;
}

/** Progress of jobs, at every tenth of the way. */
export class ProgressAnnouncer {
  /** @type {Map<string, number>} */
  #said = new Map();

  /** @param {import("../library/jobs.js").Entry} entry @param {string} title */
  progress({job}, title) {
    const step = Math.floor(job.progress / STEP);
    const before = this.#said.get(job.job_id);
    this.#said.set(job.job_id, step);
    if (job.status === "processing" && before !== undefined && step > before) {
      announce(t("say.progress", {title, progress: step * STEP}));
    }
  }

  /** @param {import("../library/jobs.js").Entry} entry @param {string} title */
  ended({job}, title) {
    if (job.status === "completed") announce(t("say.completed", {title}));
    else announce(t("say.failed", {title, detail: failure(job.error ?? "")}));
  }
}
