/** Work in pieces: a few at once, or strictly one after the other. */

/**
 * @template T
 * @param {T[]} items  Begun in this order.
 * @param {number} limit
 * @param {(item: T) => Promise<void>} work
 * @returns {Promise<void>}  Rejects with the first error; then nothing more is begun.
 */
export async function concurrently(items, limit, work) {
  const waiting = items.values();
  let hasFailed = false;
  const worker = async () => {
    for (const item of waiting) {
      if (hasFailed) return;
      await work(item);
    }
  };
  const workers = Array.from({length: Math.min(limit, items.length)}, worker);
  await Promise.all(workers.map((it) => it.catch((error) => { hasFailed = true; throw error; })));
}

/**
 * Work that never runs twice at once. Asked for while it runs, it runs once more afterwards, for what it saw may be old.
 *
 * @param {() => Promise<void>} work
 * @returns {() => Promise<void>}
 */
export function oneAtATime(work) {
  /** @type {Promise<void> | null} */
  let running = null;
  let isAskedAgain = false;
  const run = async () => {
    try {
      do {
        isAskedAgain = false;
        await work();
      } while (isAskedAgain);
    } finally {
      running = null;
    }
  };
  return () => {
    isAskedAgain = true;
    running ??= run();
    return running;
  };
}
