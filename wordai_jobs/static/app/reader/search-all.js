/** The view of a search in all books. */

import {byId, showView} from "../shared/dom.js";
import {t} from "../shared/i18n.js";
import {formatRoute} from "../shared/router.js";
import {showTitle} from "../shared/window-title.js";
import {countMessage, findPages} from "./find-pages.js";
import {HitList} from "./hit-list.js";

export class SearchAll {
  #input = byId("search-all-input", HTMLInputElement);
  #count = byId("search-all-count");
  #list;
  /** Ends the search under way. */
  #running = new AbortController();

  /** @param {import("../shared/api.js").Api} api */
  constructor(api) {
    this.api = api;
    this.#list = new HitList(byId("search-all-hits"), api);
    byId("search-all-form").onsubmit = (event) => {
      event.preventDefault();
      const query = this.#input.value.trim();
      if (query) location.hash = formatRoute({view: "search", query});
    };
  }

  /** @param {string} query  Empty before the user has entered one. */
  async open(query) {
    this.close();
    const running = this.#running = new AbortController();
    showView("search-all");
    showTitle(t("search.everywhere"));
    this.#input.value = query;
    this.#input.focus();
    this.#list.clear();
    this.#count.textContent = "";
    if (!query) return;
    const options = {namesChapters: true, signal: running.signal};
    this.#list.container.setAttribute("aria-busy", "true");
    try {
      for await (const hits of findPages(this.api, query, {}, running.signal)) {
        this.#list.add(hits, query, options);
      }
      this.#count.textContent = countMessage(this.#list.items.length);
    } catch (error) {
      if (running.signal.aborted) return;
      this.#count.textContent = t("search.failed", {detail: error.message});
    }
    this.#list.container.setAttribute("aria-busy", "false");
  }

  close() {
    this.#running.abort();
  }
}
