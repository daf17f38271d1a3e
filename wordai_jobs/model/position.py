"""Where a user has stopped reading."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Position:
    """The page of a chapter that its reader saw last."""

    user_id: str
    book_id: str
    chapter_id: str
    page_number: int
    updated_at: datetime
