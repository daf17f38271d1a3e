/** Loads what the pages in sight need, in the order in which the reader misses it. */

/**
 * @typedef {"image" | "text" | "book" | "sharp" | "thumbnail"} Kind
 * @typedef {object} Load
 * @property {Kind} kind
 * @property {number} page
 * @property {(signal: AbortSignal) => Promise<void>} run  Handles its own errors.
 */

/** All images come before all texts, and so on. */
const KINDS = ["image", "text", "book", "sharp", "thumbnail"];
const AT_ONCE = 4;

export class LoadQueue {
  /** @type {Map<string, Load>} By kind and page. */
  #waiting = new Map();
  /** @type {Map<string, {load: Load, controller: AbortController}>} */
  #running = new Map();
  #isScheduled = false;
  /** The page that is being read. */
  current = 1;

  /** @param {Load} load  Nothing happens if it waits or runs already. */
  add(load) {
    const key = keyOf(load);
    if (this.#running.has(key)) return;
    this.#waiting.set(key, load);
    this.#schedule();
  }

  /**
   * Ends a load that is no longer needed.
   *
   * @param {Kind} kind
   * @param {number} page
   */
  remove(kind, page) {
    const key = keyOf({kind, page});
    this.#waiting.delete(key);
    this.#running.get(key)?.controller.abort();
    if (this.#running.delete(key)) this.#schedule();
  }

  clear() {
    this.#waiting.clear();
    for (const {controller} of this.#running.values()) controller.abort();
    this.#running.clear();
  }

  /** Starts nothing before the caller has added and removed all that a turn of the page changes. */
  #schedule() {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      while (this.#startNext());
    });
  }

  #startNext() {
    // The current page has the network for itself.
    const isBusy = this.#running.has(keyOf({kind: "image", page: this.current}));
    if (isBusy || this.#running.size >= AT_ONCE) return false;
    const ranked = [...this.#waiting.values()]
      .sort((one, other) => this.#rank(one) - this.#rank(other));
    if (!ranked.length) return false;
    this.#start(ranked[0]);
    return true;
  }

  /** @param {Load} load */
  async #start(load) {
    const key = keyOf(load);
    const running = {load, controller: new AbortController()};
    this.#waiting.delete(key);
    this.#running.set(key, running);
    await load.run(running.controller.signal);
    if (this.#running.get(key) !== running) return;
    this.#running.delete(key);
    this.#schedule();
  }

  /** @param {Load} load  The next page comes before the last one. */
  #rank({kind, page}) {
    const ahead = page - this.current;
    return KINDS.indexOf(kind) * 1e9 + (ahead > 0 ? 2 * ahead - 1 : -2 * ahead);
  }
}

/** @param {Pick<Load, "kind" | "page">} load */
function keyOf({kind, page}) {
  return `${kind} ${page}`;
}
