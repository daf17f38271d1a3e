/** All that has been under way since nothing was, and how far it has come. */

export class Batch {
  /** @type {Map<string, number>} How far each of its steps has come. */
  #steps = new Map();
  #share = 0;

  /**
   * What is no longer under way counts as done. What joins later does not make the share fall: the
   * share stays until the new mean is larger.
   *
   * @param {Iterable<[string, number]>} underWay  Names of steps, and how far each has come, up to
   *   1.
   * @returns {number | null}  null if nothing is under way, which ends the batch.
   */
  update(underWay) {
    const shares = new Map(underWay);
    if (!shares.size) {
      this.#steps.clear();
      this.#share = 0;
      return null;
    }
    for (const name of this.#steps.keys()) this.#steps.set(name, 1);
    for (const [name, share] of shares) this.#steps.set(name, share);
    const sum = [...this.#steps.values()].reduce((total, share) => total + share, 0);
    this.#share = Math.max(this.#share, sum / this.#steps.size);
    return this.#share;
  }
}
