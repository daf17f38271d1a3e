/** Sizes, times, durations and reasons as people read them. */

import {keysOf, locale, t} from "./i18n.js";

const time = new Intl.DateTimeFormat(locale, {dateStyle: "medium", timeStyle: "short"});
const percentage = new Intl.NumberFormat(locale, {style: "percent", maximumFractionDigits: 0});

/** @param {number} bytes */
export function formatSize(bytes) {
  if (bytes < 1024 * 1024) return `${Math.ceil(bytes / 1024).toLocaleString(locale)} kB`;
  const megabytes = bytes / (1024 * 1024);
  const [size, unit] = megabytes < 1024 ? [megabytes, "MB"] : [megabytes / 1024, "GB"];
  const maximumFractionDigits = size < 10 ? 1 : 0;
  return `${size.toLocaleString(locale, {maximumFractionDigits})} ${unit}`;
}

/** @param {string} isoTime */
export function formatTime(isoTime) {
  return time.format(new Date(isoTime));
}

/** @param {number} share  1 is 100 %. */
export function formatPercent(share) {
  return percentage.format(share);
}

/**
 * How much longer something takes. The longer it is, the more it is rounded, since it is a guess.
 *
 * @param {number} seconds
 */
export function formatTimeLeft(seconds) {
  if (seconds < 3) return t("left.soon");
  if (seconds < 55) return t("left.seconds", {count: Math.ceil(seconds / 5) * 5});
  if (seconds < 5400) return t("left.minutes", {count: Math.max(1, Math.round(seconds / 60))});
  return t("left.hours", {count: Math.floor(seconds / 3600)});
}

/**
 * The messages of the server that the app knows, as patterns: `#` in a key of `failure.…` stands
 * for what depends on the case, and the app's message names it `{1}`, `{2}`, ….
 */
const failures = keysOf("failure").map((key) => {
  const escaped = key.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return {key, pattern: new RegExp(`^${escaped.replaceAll("#", "(.+?)")}$`)};
});

/**
 * The server's reason for a failure in the app's language, if the app knows it.
 *
 * @param {string} reason
 */
export function formatFailure(reason) {
  for (const {key, pattern} of failures) {
    const found = pattern.exec(reason);
    if (!found) continue;
    const values = found.slice(1).map((it) => (/^\d+$/.test(it) ? Number(it) : it));
    const named = Object.fromEntries(values.map((value, index) => [index + 1, value]));
    return t(`failure.${key}`, named);
  }
  return reason;
}
