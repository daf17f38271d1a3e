"""A book."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Book:
    """A book. Its next chapter gets `next_order_index`, unless the client says otherwise; None if
    an older release has created the book.
    """

    book_id: str
    user_id: str
    title: str
    created_at: datetime
    updated_at: datetime
    next_order_index: int | None = None
