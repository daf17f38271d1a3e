/** Finding and creating elements. Text is inserted as text, never as markup. */

/**
 * The first element below `root` that the selector matches.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {{new (): T}} [type]  The element's class, to use what only this class has.
 * @returns {T}
 */
export function find(root, selector, type) {
  const found = root.querySelector(selector);
  if (!(found instanceof (type ?? HTMLElement))) throw new Error(`There is no ${selector}`);
  return /** @type {T} */ (found);
}

/**
 * The element of index.html with this id.
 *
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {{new (): T}} [type]  The element's class, to use what only this class has.
 * @returns {T}
 */
export function byId(id, type) {
  return find(document, `#${id}`, type);
}

/**
 * Has the browser fetch files that index.html names in a template, all of them at once.
 *
 * @param {string} id  Of the template.
 */
export function fetchFiles(id) {
  document.head.append(byId(id, HTMLTemplateElement).content);
}

/**
 * Shows one of the views, which are the children of `main`.
 *
 * @param {string} id
 */
export function showView(id) {
  document.body.dataset.view = id;
  for (const view of byId("main").querySelectorAll(":scope > *")) {
    view.toggleAttribute("hidden", view.id !== id);
  }
}

/**
 * The app cannot go on: recovery.js says so and starts it again.
 *
 * @param {Error} error  A TypeError if it is of the network.
 */
export function reportUnavailable(error) {
  dispatchEvent(new ErrorEvent("unavailable", {error}));
}

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function element(tag, className = "", text = "") {
  const created = document.createElement(tag);
  created.className = className;
  created.textContent = text;
  return created;
}

/**
 * Show the text, or hide the element if the text is empty.
 *
 * @param {HTMLElement} target
 * @param {string} text
 */
export function showText(target, text) {
  target.hidden = !text;
  if (target.textContent !== text) target.textContent = text;
}
