/** The dialog for a book or a chapter: its title, its place, and whether to delete it. */

import {byId} from "../shared/dom.js";
import {t} from "../shared/i18n.js";

/**
 * @typedef {object} Edited
 * @property {string} heading
 * @property {string} title
 * @property {boolean} canMoveUp
 * @property {boolean} canMoveDown
 *
 * @typedef {object} Decision
 * @property {"save" | "up" | "down" | "delete" | ""} action  Empty if nothing is to change.
 * @property {string} title
 */

/**
 * @param {Edited} edited
 * @returns {Promise<Decision>}
 */
export function edit({heading, title, canMoveUp, canMoveDown}) {
  const dialog = byId("edit", HTMLDialogElement);
  const field = byId("edit-name", HTMLInputElement);
  const error = byId("edit-error");
  const showError = (/** @type {string} */ message) => {
    error.textContent = message;
    error.hidden = !message;
    field.setAttribute("aria-invalid", String(Boolean(message)));
  };
  byId("edit-heading").textContent = heading;
  field.value = title;
  showError("");
  byId("edit-up").hidden = !canMoveUp;
  byId("edit-down").hidden = !canMoveDown;
  byId("edit-form").onsubmit = (event) => {
    event.preventDefault();
    if (field.value.trim()) dialog.close("save");
    else showError(t("edit.needTitle"));
  };
  for (const action of ["up", "down", "delete"]) {
    byId(`edit-${action}`).onclick = () => dialog.close(action);
  }
  byId("edit-cancel").onclick = () => dialog.close("");
  dialog.returnValue = "";
  dialog.showModal();
  field.select();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve({
      action: /** @type {Decision["action"]} */ (dialog.returnValue),
      title: field.value.trim(),
    });
  });
}
