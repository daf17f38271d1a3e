/** How much longer a job takes, from the pace of its last half minute. */

const WINDOW_MS = 30_000;
const SHORTEST_MS = 3_000;

export class Estimate {
  /** @type {{time: number, done: number}[]} */
  #samples = [];

  /**
   * @param {number} time  In milliseconds.
   * @param {number} done  Pages.
   */
  add(time, done) {
    const last = this.#samples.at(-1);
    if (last && done === last.done && done > 0) return;
    // Fetching and opening the PDF say nothing about the pace of pages: the clock starts when the
    // pages do.
    if (done === 0 || (last && done < last.done)) this.#samples = [];
    this.#samples.push({time, done});
    while (this.#samples.length > 2 && this.#samples[1].time <= time - WINDOW_MS) {
      this.#samples.shift();
    }
  }

  /**
   * @param {number} time  In milliseconds.
   * @param {number} total  Pages.
   * @returns {number | null}  null while too little is known.
   */
  secondsLeft(time, total) {
    const first = this.#samples.at(0);
    const last = this.#samples.at(-1);
    if (!first || !last || last.done === first.done) return null;
    // The time since the last page counts too. Otherwise the time left would not change while
    // nothing happens.
    const elapsed = Math.max(last.time, time) - first.time;
    if (elapsed < SHORTEST_MS) return null;
    return Math.max(0, total - last.done) * elapsed / (last.done - first.done) / 1000;
  }
}
