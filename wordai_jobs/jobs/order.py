"""Which `order_index` new chapters get: behind those that their book has or is about to get."""

import threading
from dataclasses import replace
from typing import Protocol

from wordai_jobs.database.books import BookRepository
from wordai_jobs.errors import NotFound
from wordai_jobs.model.book import Book

# Of these, it is remembered what is next. An entry takes about 150 bytes.
_MOST_BOOKS = 10_000


class Order(Protocol):
    """Gives chapters their places when their jobs are recorded, whichever job ends first."""

    def first_index(self, book: Book, count: int, wanted: int | None) -> int:
        """The index of the first of `count` chapters; the others follow. Nobody else gets these.

        If a client wants a certain index, it gets that, and later ones are larger. Raises NotFound
        if it notices that the book is gone, as it always does for a book from `known`.
        """

    def known(self, book_id: str) -> Book | None:
        """Anyone's book as `first_index` has left it, which need not be read then; None if it must
        be.
        """


class SharedOrder:
    """For several servers that take jobs in: each draws from the record of the book.

    A draw is one update of the record if nobody else has drawn since this server last read it or
    drew. So a server that gets several jobs of one book in a row reads the record once.
    """

    def __init__(self, books: BookRepository, most_books: int = _MOST_BOOKS) -> None:
        self._books = books
        self._most_books = most_books
        self._known: dict[str, Book] = {}
        self._lock = threading.Lock()

    def known(self, book_id: str) -> Book | None:
        return self._known.get(book_id)

    def first_index(self, book: Book, count: int, wanted: int | None) -> int:
        with self._lock:
            self._known.pop(book.book_id, None)
        if wanted is not None:
            if not self._books.stay_behind(book.book_id, wanted):
                raise NotFound("book", book.book_id)
            return wanted
        first = self._books.draw_order_indexes(book, count)
        if first is None:
            raise NotFound("book", book.book_id)
        if first == book.next_order_index:  # else other servers get jobs of this book too
            with self._lock:
                if len(self._known) >= self._most_books:
                    del self._known[next(iter(self._known))]
                self._known[book.book_id] = replace(book, next_order_index=first + count)
        return first


class OwnOrder:
    """For one server that takes all jobs in: it remembers what is next, which saves each job a
    write. In the record of the book is what comes behind its chapters, and a server that has just
    started has no jobs under way.
    """

    def __init__(self, most_books: int = _MOST_BOOKS) -> None:
        self._most_books = most_books
        self._next: dict[str, int] = {}
        self._lock = threading.Lock()

    def first_index(self, book: Book, count: int, wanted: int | None) -> int:
        with self._lock:
            next_index = max(self._next.pop(book.book_id, 0), book.next_order_index or 0)
            first = next_index if wanted is None else wanted
            self._next[book.book_id] = max(next_index, first + count)
            if len(self._next) > self._most_books:
                del self._next[next(iter(self._next))]
        return first

    def known(self, book_id: str) -> Book | None:
        """None: nothing is drawn from the record, which would tell whether the book is gone."""
        return None
