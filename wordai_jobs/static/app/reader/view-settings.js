/** How the user wants pages to be shown, kept in this browser for all chapters. */

import {recall, remember} from "../shared/local-storage.js";

/**
 * @typedef {object} ViewSettings
 * @property {"comfortable" | "width" | "page"} fit  "comfortable" is the width, up to a limit.
 * @property {number} zoom  1 shows pages as they fit.
 * @property {number} textZoom  Of flowing text.
 * @property {boolean} isSpread  Two pages side by side.
 * @property {boolean} isNight  Light text on dark pages.
 * @property {boolean} isText  Flowing text instead of pages.
 */

const STORAGE_KEY = "view";
/** @type {ViewSettings} */
const USUAL = {
  fit: "comfortable", zoom: 1, textZoom: 1, isSpread: false, isNight: false, isText: false,
};

/** @returns {ViewSettings} */
export function recallView() {
  const kept = recall(STORAGE_KEY) ?? {};
  const isKept = (/** @type {keyof ViewSettings} */ key) => typeof kept[key] === typeof USUAL[key];
  const keys = /** @type {(keyof ViewSettings)[]} */ (Object.keys(USUAL)).filter(isKept);
  return {...USUAL, ...Object.fromEntries(keys.map((key) => [key, kept[key]]))};
}

/** @param {ViewSettings} view */
export function rememberView(view) {
  remember(STORAGE_KEY, view);
}
