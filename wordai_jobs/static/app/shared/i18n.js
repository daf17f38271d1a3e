/** The app's messages, in the language that the user has chosen, or else the browser's. */

import {recall, remember} from "./local-storage.js";

/** Only the messages of one language are loaded. */
const LANGUAGES = {
  en: () => import("../messages/en.js"),
  vi: () => import("../messages/vi.js"),
};

/** Attributes of index.html that name a message, and the attributes that show it. */
const ATTRIBUTES = {
  "data-i18n-label": "aria-label",
  "data-i18n-title": "title",
  "data-i18n-placeholder": "placeholder",
};

/**
 * @param {readonly string[]} preferred  As in `navigator.languages`, the favourite first.
 * @returns {keyof typeof LANGUAGES}
 */
export function chooseLanguage(preferred) {
  const known = preferred.map(withoutRegion).find((tag) => tag in LANGUAGES) ?? "en";
  return /** @type {keyof typeof LANGUAGES} */ (known);
}

/** Letters of scripts that do so, and characters that turn the direction. */
const RUNS_TO_THE_LEFT =
  /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}\p{Bidi_Control}]/u;

const chosen = recall("language");
const preferred = [...(chosen ? [chosen] : []), ...(globalThis.navigator?.languages ?? [])];
export const language = chooseLanguage(preferred);
/** The language with the user's region, for dates and numbers. */
export const locale = preferred.find(
  (tag) => tag !== chosen && withoutRegion(tag) === language) ?? language;
const plurals = new Intl.PluralRules(language);
/** @type {Record<string, string>} */
const messages = (await LANGUAGES[language]()).default;

/**
 * From the next start of the app on.
 *
 * @param {string} tag
 */
export function rememberLanguage(tag) {
  remember("language", tag);
}

/**
 * A title or the like to be put into other text. If some of it runs to the left, invisible marks
 * keep it from changing the direction of the text around it.
 *
 * @param {string} text
 */
export function isolated(text) {
  return RUNS_TO_THE_LEFT.test(text) ? `\u2068${text}\u2069` : text;
}

/**
 * The message for a key. If `count` is among the values, its form for that number.
 *
 * @param {string} key
 * @param {Record<string, string | number>} [values]
 */
export function t(key, values = {}) {
  const plural = typeof values.count === "number" ? `${key}.${plurals.select(values.count)}` : key;
  const message = messages[plural] ?? messages[key] ?? key;
  return message.replace(/\{(\w+)\}/g, (_, name) => {
    const value = values[name];
    return typeof value === "number" ? value.toLocaleString(locale) : isolated(String(value));
  });
}

/**
 * @param {string} section
 * @returns {string[]}  The keys of its messages, without the section.
 */
export function keysOf(section) {
  return Object.keys(messages)
    .filter((key) => key.startsWith(`${section}.`)).map((key) => key.slice(section.length + 1));
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
