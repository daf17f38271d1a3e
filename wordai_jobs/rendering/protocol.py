"""What the server says to its rendering children and to the fork server, and they to it.

| to | request | with these descriptors | answers |
|---|---|---|---|
| a child | `InspectPdf` | the PDF | `PageCount` |
| a child | `DescribePdf` | the PDF, and an empty file | `PdfDescribed` |
| a child | `RenderPages` | the PDF, and the files of each page | a `PageRendered` for each page |
| a child | `RenderPlaceholder` | the PDF, and the files of the page | `PageRendered` |
| the fork server | `ForkChild` | the child's socket and stderr | `Forked`, with a pidfd |
| the fork server | `ReapChild` | none | `Reaped` |

The three files of a page are empty: they take its image, its words and its thumbnail. All requests
to one child have the same PDF, and the pages of a request are answered in its order. A child that
cannot do a request ends it with `Failed`, the fork server with `Refused`. Both say `Ready` as soon
as they take requests. A message is JSON, one in each packet of a SOCK_SEQPACKET socket.
"""

import json
from dataclasses import asdict, dataclass, is_dataclass
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any, TypeVar, get_type_hints, overload

from wordai_jobs.model.job import ErrorClass
from wordai_jobs.model.page_names import IMAGE_ENDINGS

LONGEST_MESSAGE = 65_536
# The most pages of one request.
MOST_PAGES = 16
FILES_OF_A_PAGE = 3
# The kernel and the database hold no larger numbers; JSON does.
_LARGEST_INT = 2**63 - 1


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How pages become images. `format` is `auto`, `png` or `jpeg`; `max_pixels` is the limit of
    one image.
    """

    dpi: int
    format: str
    jpeg_quality: int
    max_pixels: int


class Failure(Enum):
    """Why a child could not do a request. Its name is sent; users read its message, and statistics
    count its class.
    """

    OUT_OF_MEMORY = "Out of memory", ErrorClass.OUT_OF_MEMORY
    STORAGE_FULL = "Storage is full", ErrorClass.STORAGE_FULL
    NOT_A_PDF = "The file is not a PDF", ErrorClass.BAD_PDF
    DAMAGED = "PDF is damaged and cannot be opened", ErrorClass.BAD_PDF
    ENCRYPTED = "PDF is password protected", ErrorClass.BAD_PDF
    EMPTY = "PDF has no pages", ErrorClass.BAD_PDF
    BAD_PAGE = "The page is damaged and cannot be rendered", ErrorClass.BAD_PDF

    def __init__(self, message: str, error_class: ErrorClass) -> None:
        self.message = message
        self.error_class = error_class


@dataclass(frozen=True, slots=True)
class Ready:
    """The libraries are loaded, and requests are taken from now on."""


@dataclass(frozen=True, slots=True)
class InspectPdf:
    """How many pages does the PDF have?"""


@dataclass(frozen=True, slots=True)
class PageCount:
    """A PDF that can be opened has at least one page."""

    page_count: int

    def __post_init__(self) -> None:
        _check_positive(self.page_count)


@dataclass(frozen=True, slots=True)
class DescribePdf:
    """Write what the PDF says of itself into a file: a `PdfInfo` as JSON."""


@dataclass(frozen=True, slots=True)
class PdfDescribed:
    """It is written."""


@dataclass(frozen=True, slots=True)
class RenderPages:
    """Write images, words and thumbnails of these pages of the PDF. Pages count from 1.

    `first_page` and `last_page` are those of the chapter: links to other pages are left out.
    """

    pages: tuple[int, ...]
    options: RenderOptions
    first_page: int = 1
    last_page: int = 2**31 - 1


@dataclass(frozen=True, slots=True)
class RenderPlaceholder:
    """Write a blank image with the problem on it, and no words, in the place of a page that cannot
    be rendered. The image has the size of the page if that can be read from the PDF, and may be;
    else that of A4.
    """

    page: int
    problem: str
    may_read_size: bool
    options: RenderOptions


@dataclass(frozen=True, slots=True)
class PageRendered:
    """The files of the next page are written. The size of its image is in pixels, and its file's
    name has this ending.
    """

    width: int
    height: int
    ending: str

    def __post_init__(self) -> None:
        _check_positive(self.width, self.height)
        if self.ending not in IMAGE_ENDINGS:
            raise ValueError("not the ending of an image")


@dataclass(frozen=True, slots=True)
class Failed:
    """The request cannot be done, and has ended. The child takes other requests."""

    failure: Failure


@dataclass(frozen=True, slots=True)
class ForkChild:
    """Start a child with these limits. The name is what `ps` shows."""

    name: str
    memory_limit_mb: int
    file_limit_bytes: int


@dataclass(frozen=True, slots=True)
class Forked:
    """A child was started."""

    pid: int


@dataclass(frozen=True, slots=True)
class ReapChild:
    """Kill a child and whatever it has started, unless it has ended already, and wait for it."""

    pid: int


@dataclass(frozen=True, slots=True)
class Reaped:
    """A child has ended, with this exit status: -9, as in `subprocess`, if SIGKILL ended it."""

    exit_status: int


@dataclass(frozen=True, slots=True)
class Refused:
    """The fork server could not do what it was asked. The reason is for the log."""

    reason: str


Message = (
    Ready
    | InspectPdf
    | PageCount
    | DescribePdf
    | PdfDescribed
    | RenderPages
    | RenderPlaceholder
    | PageRendered
    | Failed
    | ForkChild
    | Forked
    | ReapChild
    | Reaped
    | Refused
)

_One = TypeVar("_One", bound=Message)
_Other = TypeVar("_Other", bound=Message)
_Third = TypeVar("_Third", bound=Message)
_Fourth = TypeVar("_Fourth", bound=Message)


def encode(message: Message) -> bytes:
    named = [type(message).__name__, asdict(message)]
    return json.dumps(named, default=attrgetter("name")).encode("ascii")


@overload
def decode(data: bytes, one: type[_One], other: type[_Other], /) -> _One | _Other: ...


@overload
def decode(
    data: bytes, one: type[_One], other: type[_Other], third: type[_Third], /
) -> _One | _Other | _Third: ...


@overload
def decode(
    data: bytes,
    one: type[_One],
    other: type[_Other],
    third: type[_Third],
    fourth: type[_Fourth],
    /,
) -> _One | _Other | _Third | _Fourth: ...


def decode(data: bytes, /, *kinds: type[Any]) -> Any:
    """Read a message that is of one of these kinds.

    Raises ValueError for anything else, and also for a field of another type, or one too many: a
    child that a hostile PDF has taken over may send anything.
    """
    try:
        found = json.loads(data)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    for kind in kinds:
        match found:
            case [kind.__name__, fields]:
                return _checked(kind, fields)
    raise ValueError("not such a message")


def _checked(kind: Any, value: Any) -> Any:
    """Turn what JSON has made of a value back into a `kind`; raises ValueError if it is none."""
    if isinstance(kind, type) and is_dataclass(kind):
        types = _types_of_fields(kind)
        if isinstance(value, dict) and value.keys() == types.keys():
            return kind(**{name: _checked(types[name], value[name]) for name in types})
    elif kind == tuple[int, ...]:
        if isinstance(value, list):
            return tuple(_checked(int, each) for each in value)
    elif kind is Failure:
        if isinstance(value, str) and value in Failure.__members__:
            return Failure[value]
    # isinstance would take True for an int.
    elif type(value) is kind and (kind is not int or abs(value) <= _LARGEST_INT):
        return value
    raise ValueError(f"not a {kind}")


@cache
def _types_of_fields(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _check_positive(*numbers: int) -> None:
    if min(numbers) < 1:
        raise ValueError("a number is too small")
