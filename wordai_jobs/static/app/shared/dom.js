/** Finding and making elements. Text goes in as text, never as markup. */

import {translate} from "./i18n.js";

/**
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`The page has no #${id}`);
  return found;
}

/** The first element of a template, as a copy with its words in place. @param {string} id @returns {any} */
export function fromTemplate(id) {
  const copy = byId(id).content.firstElementChild.cloneNode(true);
  translate(copy);
  return copy;
}

/** An element with a class and a text. @param {string} tag @param {string} className @param {string} [text] @returns {any} */
export function element(tag, className, text = "") {
  const made = document.createElement(tag);
  made.className = className;
  made.textContent = text;
  return made;
}

/** Show the text, or hide the element where there is none. @param {HTMLElement} target @param {string} text */
export function show(target, text) {
  target.hidden = !text;
  if (target.textContent !== text) target.textContent = text;
}

/** Put `children` below `parent` in this order and move only what stands elsewhere, so that focus stays where it is. */
export function arrange(parent, children) {
  const wanted = new Set(children);
  for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, index) => {
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
}
