/** The page's words in the language of the browser. */

import en from "../messages/en.js";
import vi from "../messages/vi.js";

const MESSAGES = {en, vi};
const ATTRIBUTES = {i18nLabel: "aria-label", i18nTitle: "title", i18nPlaceholder: "placeholder"};

/**
 * @param {readonly string[]} wanted  As in `navigator.languages`, the dearest first.
 * @returns {"en" | "vi"}
 */
export function chooseLanguage(wanted) {
  return /** @type {"en" | "vi"} */ (wanted.map(base).find((tag) => tag in MESSAGES) ?? "en");
}

const wanted = globalThis.navigator?.languages ?? [];
export const language = chooseLanguage(wanted);
/** The language as spoken where the user is: in it dates and numbers are written. */
export const locale = wanted.find((tag) => base(tag) === language) ?? language;
const plurals = new Intl.PluralRules(language);

/**
 * The words for a key; with `count` among the values, in the form for that number.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const plural = typeof values.count === "number" ? `${key}.${plurals.select(values.count)}` : key;
  const words = MESSAGES[language][plural] ?? MESSAGES[language][key] ?? key;
  return words.replace(/\{(\w+)\}/g, (_, name) => formatted(values[name]));
}

/** Whether there are words for the key. @param {string} key */
export function isKnown(key) {
  return key in MESSAGES[language];
}

/** Put words wherever `data-i18n…` attributes below `root` ask for them. @param {ParentNode} root */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-i18n]")) element.textContent = t(element.dataset.i18n);
  for (const [name, attribute] of Object.entries(ATTRIBUTES)) {
    const selector = `[data-${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}]`;
    for (const element of root.querySelectorAll(selector)) element.setAttribute(attribute, t(element.dataset[name]));
  }
}

/** @param {string} tag */
function base(tag) {
  return tag.toLowerCase().split("-")[0];
}

function formatted(value) {
  return typeof value === "number" ? value.toLocaleString(locale) : String(value);
}
