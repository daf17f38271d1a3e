"""The files of pages, which the server opens and a child writes: a child needs no path.

A page has three files, such as `00017.png` (or `.jpg`), `00017.json` with its words, and
`00017.thumbnail.jpg`. The image gets its name when all are written: a page with an image may be
asked for at once, and must be whole then.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from wordai_jobs.model.page_names import MOST_WORDS_BYTES, THUMBNAIL_ENDING, page_file_stem

_UNFINISHED_IMAGE = ".part"
_WORDS = ".json"


@contextmanager
def opened(folder: Path, pages: Sequence[int]) -> Iterator[list[int]]:
    """Descriptors of the files of each page, empty and open for writing."""
    with ExitStack() as opened_files:
        descriptors = []
        for page in pages:
            for ending in (_UNFINISHED_IMAGE, _WORDS, THUMBNAIL_ENDING):
                # An earlier child may have left something in it.
                flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
                descriptors.append(os.open(_path(folder, page, ending), flags, 0o666))
                opened_files.callback(os.close, descriptors[-1])
        yield descriptors


def name_image(folder: Path, page: int, ending: str) -> None:
    """Give the image of a page that is written its name."""
    os.rename(_path(folder, page, _UNFINISHED_IMAGE), _path(folder, page, ending))


def page_with_too_many_words(folder: Path) -> int | None:
    """The first page whose words the server could not read, after all children have ended."""
    too_long = []
    with os.scandir(folder) as files:
        for file in files:
            # Another task of the book may just have stored and removed its pages.
            with suppress(FileNotFoundError):
                if file.name.endswith(_WORDS) and file.stat().st_size > MOST_WORDS_BYTES:
                    too_long.append(int(file.name.removesuffix(_WORDS)))
    return min(too_long, default=None)


def _path(folder: Path, page: int, ending: str) -> str:
    return f"{folder}/{page_file_stem(page)}{ending}"
