/** Sizes, moments and durations as people read them. */

import {isKnown, locale, t} from "./i18n.js";

const moment = new Intl.DateTimeFormat(locale, {dateStyle: "medium", timeStyle: "short"});
const percentage = new Intl.NumberFormat(locale, {style: "percent", maximumFractionDigits: 0});

/** @param {number} bytes */
export function size(bytes) {
  if (bytes < 1024 * 1024) return `${Math.ceil(bytes / 1024).toLocaleString(locale)} kB`;
  const megabytes = bytes / (1024 * 1024);
  return `${megabytes.toLocaleString(locale, {maximumFractionDigits: megabytes < 10 ? 1 : 0})} MB`;
}

/** @param {string} isoTime */
export function when(isoTime) {
  return moment.format(new Date(isoTime));
}

/** @param {number} share  0 to 1 and more. */
export function percent(share) {
  return percentage.format(share);
}

/** @param {number} seconds  Rounded more the longer it is, for nobody can know it better. */
export function timeLeft(seconds) {
  if (seconds < 3) return t("left.soon");
  if (seconds < 55) return t("left.seconds", {count: Math.ceil(seconds / 5) * 5});
  if (seconds < 5400) return t("left.minutes", {count: Math.max(1, Math.round(seconds / 60))});
  return t("left.hours", {count: Math.floor(seconds / 3600)});
}

/** The server's reason for a failure, in the page's language where it is one of the usual ones. @param {string} error */
export function failure(error) {
  return isKnown(`failure.${error}`) ? t(`failure.${error}`) : error;
}
