/** What the browser keeps for the page. A browser that keeps nothing, as some do in private windows, is no error. */

const PREFIX = "wordai.";

/** @param {string} key @returns {any}  null where nothing, or nothing readable, is kept. */
export function recall(key) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key) ?? "null");
  } catch {
    return null;
  }
}

/** @param {string} key @param {unknown} value  null forgets. */
export function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // The page works without; only a reload forgets.
  }
}
