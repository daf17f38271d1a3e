/**
 * Sends a file and tells the progress. `fetch` cannot tell how much has been sent, so this is an
 * XMLHttpRequest.
 */

import {ApiError, bodyOf} from "../shared/api.js";
import {t} from "../shared/i18n.js";

/**
 * @typedef {object} UploadOptions
 * @property {import("../shared/api.js").TokenSource} session
 * @property {(sent: number, total: number) => void} onProgress  In bytes.
 * @property {AbortSignal} signal
 */

/**
 * @param {File} file
 * @param {UploadOptions} options
 * @returns {Promise<{file_id: string, filename: string, page_count: number}>}  Throws ApiError, or
 *   the signal's reason.
 */
export async function upload(file, options) {
  const {session} = options;
  let request = await send(file, await session.getToken(), options);
  if (request.status === 401) {
    request = await send(file, await session.getToken({forceRefresh: true}), options);
    if (request.status === 401) session.expire();
  }
  return bodyOf(request.status, request.responseText);
}

/**
 * @param {File} file
 * @param {string | null} token
 * @param {UploadOptions} options
 * @returns {Promise<XMLHttpRequest>}  Once the response is there.
 */
function send(file, token, {onProgress, signal}) {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    const form = new FormData();
    form.append("file", file, file.name);
    signal.addEventListener("abort", abort);
    request.upload.onprogress = ({loaded}) => onProgress(Math.min(loaded, file.size), file.size);
    request.onload = () => resolve(request);
    request.onerror = () => reject(new ApiError(0, t("error.network")));
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal.removeEventListener("abort", abort);
    request.open("POST", "/api/v1/files");
    request.setRequestHeader("Authorization", `Bearer ${token}`);
    request.send(form);
  });
}
