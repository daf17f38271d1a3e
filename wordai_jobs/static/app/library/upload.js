/** Sending a file, with progress. `fetch` cannot tell how much has been sent, so this is an XMLHttpRequest. */

import {answerOf, ApiError} from "../shared/api.js";
import {t} from "../shared/i18n.js";

/**
 * @param {File} file
 * @param {object} options
 * @param {import("../session/session.js").Session} options.session
 * @param {(sent: number, total: number) => void} options.onProgress  In bytes.
 * @param {AbortSignal} options.signal
 * @returns {Promise<{file_id: string, filename: string, page_count: number}>}  Throws ApiError, or the signal's reason.
 */
export async function upload(file, {session, onProgress, signal}) {
  const first = await send(file, await session.getToken(), onProgress, signal);
  if (first.status !== 401) return answerOf(first.status, first.responseText);
  const second = await send(file, await session.getToken({forceRefresh: true}), onProgress, signal);
  if (second.status === 401) session.expire();
  return answerOf(second.status, second.responseText);
}

function send(file, token, onProgress, signal) {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    signal.addEventListener("abort", abort);
    request.upload.onprogress = ({loaded}) => onProgress(Math.min(loaded, file.size), file.size);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new ApiError(0, t("error.network")));
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.open("POST", "/api/v1/files");
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.send(formOf(file));
  });
}

function formOf(file) {
  const form = new FormData();
  form.append("file", file, file.name);
  return form;
}
