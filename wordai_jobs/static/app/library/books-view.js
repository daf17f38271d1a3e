/** The books, and where the user has stopped reading. */

import {formatPercent} from "../shared/format.js";
import {html, icon} from "../shared/html.js";
import {t} from "../shared/i18n.js";
import {formatRoute} from "../shared/router.js";

/**
 * @typedef {import("./books.js").Books} Books
 * @typedef {import("./books.js").Book} Book
 * @typedef {import("./books.js").Chapter} Chapter
 * @typedef {import("./books.js").Reading} Reading
 *
 * @typedef {object} Actions  What can be done with books and chapters.
 * @property {(book: Book) => void} editBook
 * @property {(chapter: Chapter) => void} editChapter
 * @property {(chapter: Chapter, place: number) => void} moveChapter
 * @property {(bookId: string) => void} toggle
 */

const CONTINUED = 3;

/** @param {Books} books */
export function continueView(books) {
  const reading = books.reading
    .filter((it) => !books.isGone(it.book_id, it.chapter_id)).slice(0, CONTINUED);
  if (!reading.length) return null;
  return html`
    <section class="continue" key="continue" aria-labelledby="continue-title">
      <h2 id="continue-title">${t("continue.title")}</h2>
      <ul class="continued">${reading.map((it) => continuedView(it, books))}</ul>
    </section>`;
}

/**
 * @param {Reading} reading
 * @param {Books} books
 */
function continuedView(reading, books) {
  const {book_id: bookId, chapter_id: chapterId, page_number: page, total_pages: total} = reading;
  return html`
    <li class="card" key=${chapterId}>
      <a class="continued-open" href=${formatRoute({view: "chapter", bookId, chapterId})}>
        ${coverView(books.coverOf(bookId, chapterId))}
        <span class="continued-text">
          <span class="continued-title">${reading.chapter_title}</span>
          <span class="hint">${reading.book_title}</span>
          <span class="hint figures">${t("continue.page", {page, total})}</span>
          ${barView(page, total)}
        </span>
      </a>
    </li>`;
}

/**
 * @param {Books} books
 * @param {ReadonlySet<string>} open  Ids of the books whose chapters are shown.
 * @param {Actions} actions
 * @param {string} error  Why something could not be done, or the books could not be read.
 */
export function booksView(books, open, actions, error) {
  return html`
    <section key="books" aria-labelledby="books-title" hidden=${!books.books.length && !error}>
      <h2 id="books-title" tabindex="-1">${t("books.title")}</h2>
      ${error && html`<p class="error" id="books-error" role="alert">${error}</p>`}
      <div class="books">
        ${books.books.map((book) => bookView(book, books, open.has(book.book_id), actions))}
      </div>
    </section>`;
}

/**
 * @param {Book} book
 * @param {Books} books
 * @param {boolean} isOpen
 * @param {Actions} actions
 */
function bookView(book, books, isOpen, actions) {
  const {book_id: bookId, title} = book;
  const chapters = books.chapters.get(bookId);
  const pages = (chapters ?? []).reduce((sum, it) => sum + it.total_pages, 0);
  const facts = chapters?.length
    ? [t("books.chapters", {count: chapters.length}), t("job.pagesTotal", {count: pages})]
    : [];
  const last = chapters && lastRead(chapters, books);
  const edit = t("books.edit", {title});
  return html`
    <article class="book card" key=${bookId} data-book-id=${bookId} aria-label=${title}>
      ${last
        ? html`<a class="book-cover" href=${routeOf(last)} aria-label=${t("books.read", {title})}>
            ${coverView(books.coverOf(bookId, chapters[0].chapter_id))}</a>`
        : html`<span class="book-cover">${coverView("")}</span>`}
      <div class="book-head">
        <h3>
          <button type="button" class="book-title" aria-expanded=${String(isOpen)}
                  onClick=${() => actions.toggle(bookId)}>${title}</button>
        </h3>
        <p class="book-size hint figures">${facts.join(" · ")}</p>
      </div>
      <button type="button" class="icon-button quiet book-edit" title=${edit}
              onClick=${() => actions.editBook(book)}>${icon("edit")}</button>
      ${isOpen && chapters && (chapters.length
        ? html`<ol class="chapters">
            ${chapters.map((it, place) => chapterView(it, place, chapters, actions))}</ol>`
        : html`<p class="empty">${t("books.noChapters")}</p>`)}
    </article>`;
}

/**
 * @param {Chapter} chapter
 * @param {number} place
 * @param {Chapter[]} chapters
 * @param {Actions} actions
 */
function chapterView(chapter, place, chapters, actions) {
  const {chapter_id: chapterId, title, total_pages: total, position} = chapter;
  const move = t("chapter.move", {title});
  const edit = t("books.edit", {title});
  const size = position
    ? t("continue.page", {page: position.page_number, total})
    : t("job.pagesTotal", {count: total});
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const step = {ArrowUp: -1, ArrowDown: 1}[event.key];
    const target = place + (step ?? 0);
    if (!step) return;
    event.preventDefault();
    if (target >= 0 && target < chapters.length) actions.moveChapter(chapter, target);
  };
  return html`
    <li class="chapter" key=${chapterId} data-chapter-id=${chapterId}>
      ${chapters.length > 1 && html`
        <button type="button" class="icon-button quiet chapter-move"
                title=${move} onKeyDown=${onKey}
                onPointerDown=${(/** @type {PointerEvent} */ event) => (
                  followDrag(event, place, (target) => actions.moveChapter(chapter, target)))}>
          ${icon("grip")}
        </button>`}
      <a class="chapter-open" href=${routeOf(chapter)}>
        <span class="chapter-title">${title}</span>
        <span class="chapter-size hint figures">${size}</span>
        ${barView(position?.page_number ?? 0, total)}
      </a>
      <button type="button" class="icon-button quiet chapter-edit" title=${edit}
              onClick=${() => actions.editChapter(chapter)}>${icon("edit")}</button>
    </li>`;
}

/** @param {string} url  Empty if there is none yet. */
function coverView(url) {
  const hide = (/** @type {Event} */ {currentTarget}) => {
    /** @type {HTMLElement} */ (currentTarget).hidden = true;
  };
  return html`
    <span class="cover-image">
      ${url
        ? html`<img src=${url} key=${url} alt="" loading="lazy" decoding="async" onError=${hide}/>`
        : icon("book")}
    </span>`;
}

/**
 * How much has been read.
 *
 * @param {number} page
 * @param {number} total
 */
function barView(page, total) {
  if (!page || !total) return html`<span class="bar" aria-hidden="true"></span>`;
  const share = t("continue.share", {percent: formatPercent(page / total)});
  return html`
    <progress class="bar" max=${total} value=${page} aria-label=${share}></progress>`;
}

/** @param {Chapter} chapter */
function routeOf({book_id: bookId, chapter_id: chapterId}) {
  return formatRoute({view: "chapter", bookId, chapterId});
}

/**
 * The chapter of a book in which the user has read last; the first if in none.
 *
 * @param {Chapter[]} chapters
 * @param {Books} books
 */
function lastRead(chapters, books) {
  const last = books.reading.find((it) => it.book_id === chapters[0]?.book_id);
  return chapters.find((it) => it.chapter_id === last?.chapter_id) ?? chapters[0];
}

/**
 * Marks the row before or behind which a chapter would be dropped, and drops it there.
 *
 * @param {PointerEvent} start  On the handle of the chapter.
 * @param {number} from  The place of the chapter.
 * @param {(place: number) => void} onDrop
 */
function followDrag(start, from, onDrop) {
  if (start.button !== 0) return;
  const handle = /** @type {HTMLElement} */ (start.currentTarget);
  const dragged = /** @type {HTMLElement} */ (handle.closest(".chapter"));
  const rows = [.../** @type {HTMLElement} */ (dragged.parentElement).children];
  const ending = new AbortController();
  let target = from;
  const mark = () => rows.forEach((row, place) => {
    row.classList.toggle("is-dragged", row === dragged);
    row.classList.toggle("is-drop-before", place === target && target < from);
    row.classList.toggle("is-drop-behind", place === target && target > from);
  });
  const move = (/** @type {PointerEvent} */ {clientY}) => {
    const middles = rows.map((row) => row.getBoundingClientRect())
      .map(({top, bottom}) => (top + bottom) / 2);
    const above = middles.filter((middle, place) => place !== from && middle < clientY).length;
    target = above;
    mark();
  };
  const end = (/** @type {boolean} */ isDropped) => {
    ending.abort();
    for (const row of rows) row.classList.remove("is-dragged", "is-drop-before", "is-drop-behind");
    if (isDropped && target !== from) onDrop(target);
  };
  const {signal} = ending;
  handle.setPointerCapture(start.pointerId);
  handle.addEventListener("pointermove", move, {signal});
  handle.addEventListener("pointerup", () => end(true), {signal});
  handle.addEventListener("pointercancel", () => end(false), {signal});
}
