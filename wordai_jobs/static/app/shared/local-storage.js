/** What the app keeps in the browser. Some browsers keep nothing, which is no error. */

const PREFIX = "wordai.";

/**
 * @param {string} key
 * @returns {any}  null if nothing readable is kept.
 */
export function recall(key) {
  try {
    return JSON.parse(localStorage.getItem(PREFIX + key) ?? "null");
  } catch {
    return null;
  }
}

/**
 * @param {string} key
 * @param {unknown} value  null forgets.
 */
export function remember(key, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // The app works without, but a reload forgets.
  }
}
