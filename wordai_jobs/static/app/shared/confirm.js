/** A question before something that cannot be undone. */

import {byId} from "./dom.js";

/**
 * @param {string} question
 * @returns {Promise<boolean>}  Whether to go on. Escape means no.
 */
export function confirm(question) {
  const dialog = byId("confirm", HTMLDialogElement);
  byId("confirm-text").textContent = question;
  dialog.returnValue = "";
  byId("confirm-no").onclick = () => dialog.close("");
  byId("confirm-yes").onclick = () => dialog.close("yes");
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
  });
}
