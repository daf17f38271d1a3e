/** Work on several things at once, and work that never runs twice at once. */

/**
 * @template T
 * @param {T[]} items  Started in this order.
 * @param {number} limit  How many run at once at most.
 * @param {(item: T) => Promise<void>} work
 * @returns {Promise<void>}  Rejects with the first error; after it nothing more is started.
 */
export async function concurrently(items, limit, work) {
  const waiting = items.values();
  let hasFailed = false;
  const worker = async () => {
    for (const item of waiting) {
      if (hasFailed) return;
      try {
        await work(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({length: Math.min(limit, items.length)}, worker));
}

/**
 * Work that never runs twice at once. If it is called while it runs, it runs once more afterwards,
 * because what it has read may be out of date.
 *
 * @param {() => Promise<void>} work
 * @returns {() => Promise<void>}
 */
export function oneAtATime(work) {
  /** @type {Promise<void> | null} */
  let running = null;
  let isCalledAgain = false;
  const run = async () => {
    try {
      do {
        isCalledAgain = false;
        await work();
      } while (isCalledAgain);
    } finally {
      running = null;
    }
  };
  return () => {
    isCalledAgain = true;
    running ??= run();
    return running;
  };
}
