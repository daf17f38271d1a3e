/** Many small pieces of work, a few at once. */

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
