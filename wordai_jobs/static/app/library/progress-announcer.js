/** Makes a screen reader say how jobs go on, at every tenth of the way. */

import {announce} from "../shared/announcer.js";
import {formatFailure} from "../shared/format.js";
import {t} from "../shared/i18n.js";

/** @typedef {import("../../poll-job.js").Job} Job */

const STEP = 10;

export class ProgressAnnouncer {
  /** @type {Map<string, number>} By job, in tenths. */
  #announced = new Map();

  /**
   * @param {Job} job
   * @param {string} title
   */
  progress(job, title) {
    const step = Math.floor(job.progress / STEP);
    const before = this.#announced.get(job.job_id);
    this.#announced.set(job.job_id, step);
    if (job.status === "processing" && before !== undefined && step > before) {
      announce(t("say.progress", {title, progress: step * STEP}));
    }
  }

  /**
   * @param {Job} job
   * @param {string} title
   */
  ended(job, title) {
    if (job.status === "completed") announce(t("say.completed", {title}));
    else announce(t("say.failed", {title, detail: formatFailure(job.error ?? "")}));
  }
}
