/**
 * Makes a screen reader say how jobs go on: at every tenth of the way if only one runs, and when
 * they end.
 */

import {announce} from "../shared/announcer.js";
import {formatFailure} from "../shared/format.js";
import {t} from "../shared/i18n.js";

/** @typedef {import("../../poll-job.js").Job} Job */

const STEP = 10;
/** What becomes ready within this time is said at once. */
const SUMMARY_PAUSE_MS = 3000;

export class ProgressAnnouncer {
  /** @type {string[]} Titles of chapters that are ready, which has not been said yet. */
  #ready = [];
  #isPausing = false;
  /** @type {Map<string, number>} By job, in tenths. */
  #announced = new Map();

  /** @param {(message: string) => void} [say] */
  constructor(say = announce) {
    this.say = say;
  }

  /**
   * @param {Job} job
   * @param {string} title
   * @param {boolean} isAlone  Whether no other job runs.
   */
  progress(job, title, isAlone) {
    const step = Math.floor(job.progress / STEP);
    const before = this.#announced.get(job.job_id);
    this.#announced.set(job.job_id, step);
    if (isAlone && job.status === "processing" && before !== undefined && step > before) {
      this.say(t("say.progress", {title, progress: step * STEP}));
    }
  }

  /**
   * @param {Job} job
   * @param {string} title
   */
  ended(job, title) {
    if (job.status === "completed") {
      this.#ready.push(title);
      if (!this.#isPausing) this.#sayReady();
    } else {
      this.say(t("say.failed", {title, detail: formatFailure(job.error ?? "")}));
    }
  }

  #sayReady() {
    const [title] = this.#ready;
    const count = this.#ready.length;
    this.#ready = [];
    this.#isPausing = count > 0;
    if (!count) return;
    this.say(count > 1 ? t("say.completedMany", {count}) : t("say.completed", {title}));
    setTimeout(() => this.#sayReady(), SUMMARY_PAUSE_MS);
  }
}
