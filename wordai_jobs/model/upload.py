"""An uploaded PDF."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

MAX_FILENAME_LENGTH = 200
DEFAULT_FILENAME = "document.pdf"


@dataclass(frozen=True, slots=True)
class Upload:
    """An uploaded PDF; `size` in bytes, `sha256` in hexadecimal.

    At `expires_at` the clean-up removes it, unless something uses it.
    """

    file_id: str
    user_id: str
    filename: str
    size: int
    sha256: str
    page_count: int
    created_at: datetime
    expires_at: datetime | None = None


def clean_filename(name: str | None) -> str:
    """The name to show for an uploaded file. It is never used as a path.

    Folders, control characters and formatting characters, which can reverse text, are removed. A
    long name is cut before its extension.
    """
    last = re.split(r"[/\\]", name or "")[-1]
    removed = ("Cc", "Cf", "Cs", "Zl", "Zp")
    shown = "".join(" " if unicodedata.category(c) in removed else c for c in last)
    shown = " ".join(unicodedata.normalize("NFC", shown).split())
    if not shown.strip("."):
        return DEFAULT_FILENAME
    if len(shown) <= MAX_FILENAME_LENGTH:
        return shown
    stem, dot, ending = shown.rpartition(".")
    if not dot or len(ending) > 10:
        return shown[:MAX_FILENAME_LENGTH]
    return stem[: MAX_FILENAME_LENGTH - len(ending) - 1] + dot + ending
