/** Makes a screen reader say what happens elsewhere in the app. */

import {byId} from "./dom.js";

/** @param {string} message */
export function announce(message) {
  byId("announcer").textContent = message;
}
