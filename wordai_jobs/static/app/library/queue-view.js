/** The chosen PDFs: how far each has been sent, and what it becomes. */

import {formatPercent, formatSize} from "../shared/format.js";
import {html, icon} from "../shared/html.js";
import {t} from "../shared/i18n.js";
import {BOOK_EACH, NEW_BOOK} from "./upload-queue.js";

/**
 * @typedef {import("./upload-queue.js").UploadQueue} UploadQueue
 * @typedef {import("./upload-queue.js").QueuedPdf} QueuedPdf
 */

/**
 * @param {UploadQueue} queue
 * @param {() => void} onSubmit
 */
export function queueView(queue, onSubmit) {
  if (!queue.rows.length) return null;
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    onSubmit();
  };
  return html`
    <section class="card queue" key="queue" aria-labelledby="queue-title">
      <h2 id="queue-title" tabindex="-1">${t("queue.title")}</h2>
      <form class="stack" id="queue-form" novalidate onSubmit=${submit}>
        <ul class="queue-rows">
          ${queue.rows.map((row, index) => rowView(queue, row, index))}
        </ul>
        ${queue.count > 0 && bookFields(queue)}
        ${(queue.count > 0 || "parts0" in queue.errors) && html`
          <button type="submit" class="primary" id="upload-submit"
                  disabled=${queue.rows.every((row) => row.isWanted || row.state === "refused")}>
            ${t("queue.submit", {count: queue.count})}
          </button>`}
      </form>
    </section>`;
}

/** @param {UploadQueue} queue */
function bookFields(queue) {
  const choose = (/** @type {Event} */ {target}) => {
    queue.book = /** @type {HTMLSelectElement} */ (target).value;
    queue.changed();
  };
  const type = (/** @type {Event} */ {target}) => (
    queue.typeNewBook(/** @type {HTMLInputElement} */ (target).value));
  const option = (/** @type {string} */ value, /** @type {string} */ text) => html`
    <option key=${value} value=${value} selected=${value === queue.book}>${text}</option>`;
  return html`
    <div class="fields">
      <div class="field">
        <label for="book">${t("upload.book")}</label>
        <select id="book" onChange=${choose}>
          ${queue.books.books.map(({book_id: bookId, title}) => option(bookId, title))}
          ${option(NEW_BOOK, t("upload.bookNew"))}
          ${queue.rows.length > 1 && option(BOOK_EACH, t("upload.bookEach"))}
        </select>
      </div>
      ${queue.book === NEW_BOOK && field({
        id: "new-book", label: t("upload.newBook"), value: queue.newBook,
        error: queue.errors.book, onInput: type,
      })}
    </div>`;
}

/**
 * @param {UploadQueue} queue
 * @param {QueuedPdf} row
 * @param {number} index
 */
function rowView(queue, row, index) {
  const {file, state, pageCount} = row;
  const isSending = state === "sending" || state === "checking";
  const facts = [formatSize(file.size)];
  const remove = t("queue.remove", {name: file.name});
  if (pageCount) facts.push(t("job.pagesTotal", {count: pageCount}));
  return html`
    <li class="queued" key=${row.key} data-state=${state}>
      <div class="queued-head">
        <span class="queued-name">${file.name}</span>
        <span class="hint figures">${facts.join(" · ")}</span>
        <button type="button" class="icon-button quiet" title=${remove}
                onClick=${() => queue.remove(row)} disabled=${state === "adding"}>
          ${icon("close")}
        </button>
      </div>
      ${isSending && html`
        <div class="transfer" key="transfer">
          <p class="transfer-text">
            <span>${t(state === "sending" ? "queue.sending" : "queue.checking")}</span>
            <span class="figures">${formatPercent(row.sent / file.size)}</span>
          </p>
          <progress max="1" value=${row.sent / file.size}
                    aria-label=${t("queue.progress", {name: file.name})}></progress>
        </div>`}
      ${state === "waiting" && !row.error && html`<p class="hint">${t("queue.waiting")}</p>`}
      ${row.isWanted && state !== "refused" && html`<p class="hint">${t("queue.wanted")}</p>`}
      ${row.error && html`<p class="error" role="alert">${row.error}</p>`}
      ${row.isInterrupted && html`
        <div class="actions">
          <p class="hint">${t("queue.again")}</p>
          <button type="button" onClick=${() => queue.sendAgain()}>${t("queue.now")}</button>
        </div>`}
      ${state !== "refused" && !row.isWanted && choiceView(queue, row, index)}
    </li>`;
}

/**
 * One chapter with a title, or the chapters of the outline.
 *
 * @param {UploadQueue} queue
 * @param {QueuedPdf} row
 * @param {number} index
 */
function choiceView(queue, row, index) {
  const type = (/** @type {Event} */ {target}) => (
    queue.typeTitle(row, /** @type {HTMLInputElement} */ (target).value));
  const split = (/** @type {boolean} */ isSplit) => {
    row.isSplit = isSplit;
    queue.changed();
  };
  const choice = (/** @type {boolean} */ isSplit, /** @type {string} */ text) => html`
    <label class="choice">
      <input type="radio" name=${`split${index}`} checked=${row.isSplit === isSplit}
             onChange=${() => split(isSplit)}/> ${text}
    </label>`;
  return html`
    <div class="stack" key="choice">
      ${row.parts.length > 1 && html`
        <fieldset class="choices">
          <legend class="visually-hidden">${t("queue.choice", {name: row.file.name})}</legend>
          ${choice(true, t("queue.asParts", {count: row.chosenParts.length}))}
          ${choice(false, t("queue.asOne"))}
        </fieldset>`}
      ${row.isSplit ? partsView(queue, row, index) : field({
        id: `title${index}`, label: t("upload.chapter"), value: row.title,
        error: queue.errors[`title${index}`], onInput: type,
      })}
    </div>`;
}

/**
 * @param {UploadQueue} queue
 * @param {QueuedPdf} row
 * @param {number} index
 */
function partsView(queue, row, index) {
  const error = queue.errors[`parts${index}`];
  const errorId = `parts${index}-error`;
  return html`
   <div key="parts">
    <ol class="parts" id=${`parts${index}`} tabindex="-1"
        aria-describedby=${error ? errorId : null}>
      ${row.parts.map((part, place) => {
        const name = t("queue.part", {title: part.title || String(place + 1)});
        const set = (/** @type {Partial<import("./parts.js").Part>} */ values) => {
          Object.assign(part, values);
          queue.changed();
        };
        const number = (/** @type {"first" | "last"} */ key, /** @type {string} */ label) => html`
          <input class="part-page figures" inputmode="numeric" value=${part[key] || ""}
                 aria-label=${`${label}: ${name}`} disabled=${!part.isChosen}
                 onInput=${(/** @type {any} */ {target}) => (
                   set({[key]: Number.parseInt(target.value, 10) || 0}))}/>`;
        return html`
          <li class="part" key=${place}>
            <input type="checkbox" checked=${part.isChosen} aria-label=${name}
                   onChange=${() => set({isChosen: !part.isChosen})}/>
            <input class="part-title" value=${part.title} maxlength="300" disabled=${!part.isChosen}
                   aria-label=${t("queue.partTitle", {title: name})}
                   onInput=${(/** @type {any} */ {target}) => set({title: target.value})}/>
            <span class="part-pages">
              ${number("first", t("queue.firstPage"))}<span aria-hidden="true">–</span>
              ${number("last", t("queue.lastPage"))}
            </span>
          </li>`;
      })}
    </ol>
    ${error && html`<p class="error" id=${errorId} role="alert">${error}</p>`}
   </div>`;
}

/**
 * A field with the mistake in it, if there is one.
 *
 * @param {{id: string, label: string, value: string, error?: string,
 *   onInput: (event: Event) => void}} properties
 */
function field({id, label, value, error, onInput}) {
  return html`
    <div class="field" key=${id}>
      <label for=${id}>${label}</label>
      <input id=${id} value=${value} maxlength="300" autocomplete="off" onInput=${onInput}
             aria-invalid=${error ? "true" : null}
             aria-describedby=${error ? `${id}-error` : null}/>
      ${error && html`<p class="error" id=${`${id}-error`} role="alert">${error}</p>`}
    </div>`;
}
