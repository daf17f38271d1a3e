/** Tries until it works: what cannot be loaded comes by itself once the network is back. */

import {byId, showText} from "../shared/dom.js";
import {t} from "../shared/i18n.js";

const [SHORTEST_PAUSE_MS, LONGEST_PAUSE_MS] = [1000, 15_000];

export class Reconnection {
  #box = byId("reader-lost");
  /** @type {() => void} */
  #tryNow = () => {};
  #failures = 0;

  constructor() {
    byId("reader-try-now").onclick = () => this.#tryNow();
    addEventListener("online", () => {
      this.#failures = 0; // the first tries after that often fail
      this.#tryNow();
    });
  }

  /** Call it when something has been loaded. */
  succeeded() {
    this.#failures = 0;
    this.#show("");
  }

  /**
   * @template T
   * @param {() => Promise<T>} act
   * @param {AbortSignal} signal
   * @returns {Promise<T>}  Rejects if trying again cannot help, or the signal says so.
   */
  async keepTrying(act, signal) {
    for (;;) {
      try {
        const result = await act();
        this.#show("");
        return result;
      } catch (error) {
        signal.throwIfAborted();
        this.#show("");
        if (!error.isTransient) throw error;
        await this.pause(signal);
      }
    }
  }

  /**
   * Waits longer after each failure; at most until the browser is online or the user says so.
   *
   * @param {AbortSignal} signal
   * @returns {Promise<void>}
   */
  async pause(signal) {
    const duration = Math.min(LONGEST_PAUSE_MS, SHORTEST_PAUSE_MS * 2 ** this.#failures);
    this.#failures += 1;
    this.#show(t("reader.lost"));
    await new Promise((resolve) => {
      this.#tryNow = () => resolve(null);
      setTimeout(resolve, duration);
      signal.addEventListener("abort", resolve);
    });
    signal.throwIfAborted();
  }

  /** @param {string} message */
  #show(message) {
    showText(byId("reader-lost-text"), message);
    this.#box.hidden = !message;
  }
}
