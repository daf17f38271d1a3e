/** The session that fits the server's way of signing in. */

import {DevSession, UnconfiguredSession} from "./session.js";

/**
 * @typedef {object} AuthConfig  `auth` in /app-config.json.
 * @property {string} mode  "dev" or "firebase".
 * @property {Record<string, string>} [firebase]  The web configuration of the project.
 * @property {string | null} [emulator]  Host and port.
 */

/**
 * @param {AuthConfig} auth
 * @returns {Promise<import("./session.js").Session>}  Once it is known whether somebody is
 *   signed in.
 */
export async function openSession(auth) {
  if (auth.mode === "dev") return new DevSession();
  if (!auth.firebase?.apiKey) return new UnconfiguredSession();
  const {openFirebaseSession} = await import("./firebase-session.js");
  return openFirebaseSession(auth.firebase, auth.emulator ?? "");
}
