/** The app's messages, in the language of the browser. */

import en from "../messages/en.js";
import vi from "../messages/vi.js";

/** @type {Record<string, Record<string, string>>} */
const MESSAGES = {en, vi};

/** Attributes of index.html that name a message, and the attributes that show it. */
const ATTRIBUTES = {
  "data-i18n-label": "aria-label",
  "data-i18n-title": "title",
  "data-i18n-placeholder": "placeholder",
};

/**
 * @param {readonly string[]} preferred  As in `navigator.languages`, the favourite first.
 * @returns {string}  "en" or "vi".
 */
export function chooseLanguage(preferred) {
  return preferred.map(withoutRegion).find((tag) => tag in MESSAGES) ?? "en";
}

const preferred = globalThis.navigator?.languages ?? [];
export const language = chooseLanguage(preferred);
/** The language with the user's region, for dates and numbers. */
export const locale = preferred.find((tag) => withoutRegion(tag) === language) ?? language;
const plurals = new Intl.PluralRules(language);

/**
 * The message for a key. If `count` is among the values, its form for that number.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const plural = typeof values.count === "number" ? `${key}.${plurals.select(values.count)}` : key;
  const message = MESSAGES[language][plural] ?? MESSAGES[language][key] ?? key;
  return message.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? value.toLocaleString(locale) : String(value);
  });
}

/** @param {string} key */
export function hasMessage(key) {
  return key in MESSAGES[language];
}

/**
 * Insert the messages that `data-i18n…` attributes below `root` name.
 *
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const target of root.querySelectorAll("[data-i18n]")) {
    target.textContent = t(target.getAttribute("data-i18n") ?? "");
  }
  for (const [source, shown] of Object.entries(ATTRIBUTES)) {
    for (const target of root.querySelectorAll(`[${source}]`)) {
      target.setAttribute(shown, t(target.getAttribute(source) ?? ""));
    }
  }
}

/** @param {string} tag  Such as "vi-VN". */
function withoutRegion(tag) {
  return tag.toLowerCase().split("-")[0];
}
