/** How long a job will still take, from the pace of its last half minute. */

const WINDOW = 30_000;
const SHORTEST = 3_000;

export class Estimate {
  /** @type {{time: number, done: number}[]} */
  #samples = [];

  /** @param {number} time in milliseconds @param {number} done pages */
  add(time, done) {
    const last = this.#samples.at(-1);
    if (last && done === last.done && done > 0) return;
    // Fetching and opening the PDF say nothing of the pace of pages: the clock starts at the last sight of none.
    if (done === 0 || (last && done < last.done)) this.#samples = [];
    this.#samples.push({time, done});
    while (this.#samples.length > 2 && this.#samples[1].time <= time - WINDOW) this.#samples.shift();
  }

  /**
   * @param {number} time in milliseconds
   * @param {number} total pages
   * @returns {number | null}  Seconds; null while too little is known.
   */
  secondsLeft(time, total) {
    const first = this.#samples.at(0);
    const last = this.#samples.at(-1);
    if (!first || !last || last.done === first.done) return null;
    // A pause since the last page counts too, or the time left would stand still while nothing happens.
    const elapsed = Math.max(last.time, time) - first.time;
    if (elapsed < SHORTEST) return null;
    return Math.max(0, total - last.done) * elapsed / (last.done - first.done) / 1000;
  }
}
