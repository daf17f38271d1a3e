/** The controls of how pages are shown, and what can be done with the whole chapter. */

import {announce} from "../shared/announcer.js";
import {byId} from "../shared/dom.js";
import {formatPercent} from "../shared/format.js";
import {t} from "../shared/i18n.js";

export class ViewMenu {
  #zoomButton = byId("zoom-reset");
  #textButton = byId("view-text");

  /** @param {import("./reader-pages.js").ReaderPages} pages */
  constructor(pages) {
    this.pages = pages;
    pages.addEventListener("view", () => this.render());
    pages.addEventListener("zoomed", () => announce(this.#sizeMessage()));
    pages.addEventListener("resized", () => this.render());
    byId("zoom-in").onclick = () => pages.zoomBy(1);
    byId("zoom-out").onclick = () => pages.zoomBy(-1);
    this.#zoomButton.onclick = () => pages.zoomBy(0);
    this.#textButton.onclick = () => pages.change({isText: !pages.view.isText});
    byId("fit-width").onclick = () => pages.change({fit: "width", zoom: 1});
    byId("fit-page").onclick = () => pages.change({fit: "page", zoom: 1});
    byId("view-spread").onclick = () => pages.change({isSpread: !pages.view.isSpread});
    byId("view-night").onclick = () => pages.change({isNight: !pages.view.isNight});
    const fullScreen = byId("full-screen");
    fullScreen.hidden = !document.fullscreenEnabled;
    fullScreen.onclick = () => {
      if (document.fullscreenElement) document.exitFullscreen();
      else document.documentElement.requestFullscreen();
      byId("view-menu").hidePopover();
    };
    document.addEventListener("fullscreenchange", () => this.render());
    this.render();
  }

  /** Whether the menu covers the pages; Escape closes it then. */
  get isOpen() {
    return byId("view-menu").matches(":popover-open");
  }

  render() {
    const {fit, zoom, isText, isSpread, isNight} = this.pages.view;
    this.#zoomButton.textContent = this.#sizeMessage();
    this.#zoomButton.setAttribute("aria-label", this.#zoomName());
    this.#zoomButton.title = t(isText ? "reader.usualSize" : "reader.fitWidth");
    press("view-text", isText);
    press("fit-width", fit === "width" && zoom === 1);
    press("fit-page", fit === "page" && zoom === 1);
    press("view-spread", isSpread);
    press("view-night", isNight);
    press("full-screen", document.fullscreenElement !== null);
    for (const id of ["fit-width", "fit-page", "view-spread"]) byId(id).hidden = isText;
    byId("reader").classList.toggle("is-night", isNight);
  }

  #sizeMessage() {
    const {fit, zoom, isText, textZoom} = this.pages.view;
    if (isText) return formatPercent(textZoom);
    if (fit === "page" && zoom === 1) return t("reader.fitPage");
    const share = fit === "page" ? zoom : this.pages.widthShare;
    return Math.abs(share - 1) < 0.005 ? t("reader.fitWidth") : formatPercent(share);
  }

  #zoomName() {
    const size = this.#sizeMessage();
    return this.pages.view.isText
      ? t("reader.textSizeNow", {percent: size}) : t("reader.zoomNow", {percent: size});
  }
}

/**
 * @param {string} id
 * @param {boolean} isPressed
 */
function press(id, isPressed) {
  byId(id).setAttribute("aria-pressed", String(isPressed));
}
