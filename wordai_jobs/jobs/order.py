"""Which `order_index` new chapters get: behind those that their book has or is about to get."""

import threading
from collections.abc import Sequence

from wordai_jobs.model.book import Book
from wordai_jobs.model.job import Place

# Of these, it is remembered what is next. An entry takes about 150 bytes.
_MOST_BOOKS = 10_000


class Order:
    """Gives chapters their places before their jobs are recorded, whichever job ends first.

    In the record of a book is what comes behind its chapters, and here what comes behind the jobs
    that this server has taken in since it started. Two servers may give two chapters the same
    place if they are asked in the same moment: then those are listed as their jobs were created.
    """

    def __init__(self) -> None:
        self._next: dict[str, int] = {}
        self._lock = threading.Lock()

    def first_index(
        self, book: Book, count: int, wanted: int | None, elsewhere: Sequence[Place]
    ) -> int:
        """The index of the first of `count` chapters; the others follow.

        If a client wants a certain index, it gets that, and later ones are larger. `elsewhere`:
        places of jobs that run elsewhere, in any book.
        """
        behind = [place.order_index + 1 for place in elsewhere if place.book_id == book.book_id]
        with self._lock:
            known = self._next.pop(book.book_id, 0)
            next_index = max(known, book.next_order_index or 0, *behind)
            first = next_index if wanted is None else wanted
            self._next[book.book_id] = max(next_index, first + count)
            if len(self._next) > _MOST_BOOKS:
                del self._next[next(iter(self._next))]
        return first
