/** Elements from templates: html`<p>${text}</p>`. Values become text and properties, not markup. */

import htm from "../../vendor/htm/htm.js";
import {h, render} from "../../vendor/preact/preact.js";

/** @typedef {import("../../vendor/preact/preact.js").VNode} VNode */

export const html = htm.bind(h);
export {render};

/**
 * One of the icons of index.html.
 *
 * @param {string} name
 */
export function icon(name) {
  return html`<svg class="icon" aria-hidden="true"><use href=${`#icon-${name}`}></use></svg>`;
}
