/** The title of the browser's window or tab: what is shown, behind how far other work has come. */

import {isolated} from "./i18n.js";

let title = "WordAI Books";
let progress = "";

/** @param {string} text  What is shown: a view, or the chapter that is read. */
export function showTitle(text) {
  title = `${isolated(text)} · WordAI Books`;
  render();
}

/** @param {string} text  Such as "42 %"; empty if nothing is under way. */
export function showProgressInTitle(text) {
  progress = text;
  render();
}

function render() {
  document.title = progress ? `${progress} · ${title}` : title;
}
