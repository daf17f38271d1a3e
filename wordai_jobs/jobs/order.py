"""Which `order_index` new chapters get: behind those that their book has or is about to get."""

import threading
from typing import Protocol

from wordai_jobs.database.books import BookRepository
from wordai_jobs.model.book import Book

# Of these, it is remembered what is next. An entry takes about 150 bytes.
_MOST_BOOKS = 10_000


class Order(Protocol):
    """Gives chapters their places when their jobs are recorded, whichever job ends first."""

    def first_index(self, book: Book, count: int, wanted: int | None) -> int:
        """The index of the first of `count` chapters; the others follow. Nobody else gets these.

        If a client wants a certain index, it gets that, and later ones are larger.
        """


class SharedOrder:
    """For several servers that take jobs in: each draws from the record of the book."""

    def __init__(self, books: BookRepository) -> None:
        self._books = books

    def first_index(self, book: Book, count: int, wanted: int | None) -> int:
        if wanted is not None:
            self._books.stay_behind(book.book_id, wanted)
            return wanted
        return self._books.draw_order_indexes(book, count) or 0


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
