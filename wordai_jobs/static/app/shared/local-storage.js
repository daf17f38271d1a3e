/** What the app keeps in the browser. Some browsers keep nothing, which is no error. */

const PREFIX = "wordai.";
/** Kept for whoever uses this browser next. */
const OF_THE_BROWSER = ["language"];

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

/** Forget all that belongs to the user who signs out. */
export function forgetUser() {
  try {
    const keys = Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));
    for (const key of keys.map((it) => it.slice(PREFIX.length))) {
      if (!OF_THE_BROWSER.includes(key)) remember(key, null);
    }
  } catch {
    // Nothing is kept.
  }
}

/**
 * Calls back if another tab of this browser has changed the value.
 *
 * @param {string} key
 * @param {(value: any) => void} act
 */
export function onChangeElsewhere(key, act) {
  addEventListener("storage", (event) => {
    // The key is null if everything was removed at once.
    if (event.key === null || event.key === PREFIX + key) act(recall(key));
  });
}
