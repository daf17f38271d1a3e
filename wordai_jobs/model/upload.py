"""An uploaded PDF."""

import re
from dataclasses import dataclass
from datetime import datetime

from wordai_jobs.model.clean_text import clean_text
from wordai_jobs.model.pdf_info import OutlineEntry

MAX_FILENAME_LENGTH = 200
DEFAULT_FILENAME = "document.pdf"


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded PDF; `size` in bytes, `sha256` in hexadecimal.

    At `expires_at` the clean-up removes it, unless something uses it. `title`, `outline` and
    `page_labels` are those of `PdfInfo`, if they were read from the database.
    """

    file_id: str
    user_id: str
    filename: str
    size: int
    sha256: str
    page_count: int
    created_at: datetime
    expires_at: datetime | None = None
    title: str | None = None
    outline: tuple[OutlineEntry, ...] = ()
    page_labels: tuple[str, ...] | None = None


def clean_filename(name: str | None) -> str:
    """The name to show for an uploaded file. It is never used as a path.

    Folders, control characters and formatting characters, which can reverse text, are removed. A
    long name is cut before its extension.
    """
    last = re.split(r"[/\\]", name or "")[-1]
    clean = clean_text(last, len(last))
    if not clean.strip("."):
        return DEFAULT_FILENAME
    if len(clean) <= MAX_FILENAME_LENGTH:
        return clean
    stem, dot, ending = clean.rpartition(".")
    if not dot or len(ending) > 10:
        return clean[:MAX_FILENAME_LENGTH]
    return stem[: MAX_FILENAME_LENGTH - len(ending) - 1] + dot + ending
