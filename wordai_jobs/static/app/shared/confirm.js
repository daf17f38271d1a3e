/** A question before something that cannot be undone. */

import {byId} from "./dom.js";
import {t} from "./i18n.js";

/**
 * @param {string} question
 * @param {{yes?: string, no?: string}} [answers]  To delete something or keep it by default.
 * @returns {Promise<boolean>}  Whether to go on. Escape means no.
 */
export function confirm(question, {yes = t("confirm.yes"), no = t("confirm.no")} = {}) {
  const dialog = byId("confirm", HTMLDialogElement);
  byId("confirm-text").textContent = question;
  byId("confirm-yes").textContent = yes;
  byId("confirm-no").textContent = no;
  dialog.returnValue = "";
  byId("confirm-no").onclick = () => dialog.close("");
  byId("confirm-yes").onclick = () => dialog.close("yes");
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.onclose = () => resolve(dialog.returnValue === "yes");
  });
}
