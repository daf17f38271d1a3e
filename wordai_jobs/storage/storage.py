"""What the service needs of its storage: a place for uploaded PDFs, and for pages.

The pages of a chapter are rendered into a local folder. `Pages.storing` passes on those that are
in storage. Once all are, `publish` makes them last, and the chapter's record makes them a chapter.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any, Protocol

from wordai_jobs.model.chapter import Page
from wordai_jobs.storage.data_folder import DataFolder

# Waits for the next page for some seconds; None if there is none by then.
NextPage = Callable[[float], Page | None]


class Rendering(Protocol):
    """The pages of a chapter that are being rendered into its local folder."""

    def next_page(self, timeout_s: float) -> Page | None:
        """As `NextPage`. Raises if the pages cannot be rendered."""

    def wake(self) -> None:
        """Have `next_page` return now, if only None. Any thread may call this."""


class UploadGone(Exception):
    """The uploaded PDF has been removed."""


@dataclass(frozen=True, slots=True)
class ReceivedPdf:
    """A PDF that has been received, for now at `path`; `size` in bytes, `sha256` in hexadecimal."""

    file_id: str
    path: Path
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image on this machine."""

    path: Path
    media_type: str


@dataclass(frozen=True, slots=True)
class ImageAddress:
    """An image elsewhere. Anyone can read it at this URL, which stays the same for some time."""

    url: str
    same_for_s: int


# An index of the text of a chapter, beside its pages.
INDEX_NAME = "search.sqlite"


class Uploads(Protocol):
    """Uploaded PDFs, each with an id that the server has drawn."""

    def receiving(self, source: IO[bytes], max_mb: int) -> AbstractContextManager[ReceivedPdf]:
        """Receive `source` to its end, let the caller inspect it, and store it unless that raises.

        Raises UploadTooLarge if it is larger than `max_mb`, InvalidPdf if it is empty, and
        StorageFull. After any error nothing is left behind.
        """

    def fetch(
        self, file_id: str, on_progress: Callable[[float], None], *, is_patient: bool = True
    ) -> AbstractContextManager[Path]:
        """Make the PDF a local file, which stays until the returned context ends.

        `on_progress` is called now and then with the part that is done, from 0 to 1; it may raise.
        Raises UploadGone. If the storage is away, this waits for it, or raises StorageError at once
        unless `is_patient`.
        """

    def remove(self, file_id: str) -> bool:
        """Remove an upload. False if the storage is away: then the clean-up removes it."""

    def file_ids(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[str]:
        """The ids of stored uploads.

        Only uploads that were last changed at or after `since` and before `until` count.
        """


class Pages(Protocol):
    """The pages of running jobs and of chapters: each an image, a thumbnail, and text and words.

    Ids come from the database or from signed URLs.
    """

    def stage(self, chapter_id: str) -> Path:
        """Create the local folder that a chapter is rendered into, and return it."""

    def storing(self, chapter_id: str, rendering: Rendering) -> AbstractContextManager[NextPage]:
        """Store the pages as they are rendered into the chapter's local folder.

        Yields a function that returns those that are in storage. It raises what `next_page` of the
        rendering raises.
        """

    def size(self, chapter_id: str) -> int:
        """The size of all files of a chapter that is not yet published, in bytes."""

    def sync(self, chapter_id: str) -> None:
        """Make the pages of a chapter survive a power cut."""

    def publish(self, chapter_id: str) -> None:
        """Make the pages of a chapter last. Raises FileNotFoundError if they were removed."""

    def remove(self, chapter_id: str) -> bool:
        """Remove all pages of a chapter, published or not.

        False if the storage is away, for which a job waits for a while: then the clean-up removes
        them.
        """

    def chapter_ids(
        self, since: datetime | None = None, until: datetime | None = None
    ) -> Iterator[str]:
        """The id of every chapter that has pages, published or not.

        Only chapters that were last changed at or after `since` and before `until` count.
        """

    def image(self, chapter_id: str, number: int) -> ImageFile | ImageAddress | None:
        """The image of a page, even while its job still runs.

        If the chapter is published just now, the file may be gone when it is opened. Then ask
        again.
        """

    def thumbnail(self, chapter_id: str, number: int) -> ImageFile | ImageAddress | None:
        """As `image`. A page that an older release has rendered has no thumbnail; its image stands
        in for it.
        """

    def content(self, chapter_id: str, number: int) -> dict[str, Any] | None:
        """The `text` and `words` of a page of a chapter."""

    def contents(self, chapter_id: str, numbers: Iterable[int]) -> Iterator[bytes | None]:
        """The same of several pages, one after the other, as JSON, of a chapter that may be
        unpublished. None for a page that is missing.
        """

    def store_index(self, chapter_id: str, build: Callable[[Path], None]) -> None:
        """Have an index of the chapter's text written into a new file, and store it, in place of
        one that is there.

        Raises FileNotFoundError if the pages were removed, StorageFull, and what `build` raises.
        """

    def index(self, chapter_id: str) -> AbstractContextManager[Path]:
        """The index as a local file, which stays until the returned context ends.

        Raises FileNotFoundError if there is none.
        """

    def fetch_indexes(self, chapter_ids: Iterable[str]) -> None:
        """Make it quicker to use these indexes, those that exist, one after the other."""


class Trash(Protocol):
    """Removes what no record names, in a way that leaves time to notice a mistake."""

    def take_pages(self, chapter_id: str, now: datetime) -> bool:
        """False if it is too early; then this is asked again at the next clean-up."""

    def take_upload(self, file_id: str, now: datetime) -> bool:
        """As `take_pages`."""

    def empty(self, before: datetime) -> None:
        """Delete what was taken before this moment."""


class Holder(Protocol):
    """A place that belongs to one database, and shares an identity with it."""

    # What to do if it does not belong to the database, such as `correct storage.data_dir`.
    advice: str

    def __str__(self) -> str:
        """Such as `data folder /srv/data`."""

    @property
    def is_empty(self) -> bool:
        """Whether there are neither uploads nor pages."""

    def identity(self) -> str | None:
        """None before the first start."""

    def set_identity(self, identity: str) -> None: ...


class Storage(Protocol):
    """Uploads and pages, and the local data folder that every server has.

    Every method of the parts raises StorageError if the storage is elsewhere and cannot be used.
    """

    folder: DataFolder

    @property
    def uploads(self) -> Uploads: ...

    @property
    def pages(self) -> Pages: ...

    @property
    def trash(self) -> Trash: ...

    @property
    def holders(self) -> Sequence[Holder]:
        """The places that belong to the database."""

    def identity(self) -> str | None:
        """The identity of the place that has the uploads and pages."""

    def problem(self) -> str | None:
        """Why nothing can be stored now; None if it can."""

    def image_origin(self) -> str | None:
        """The origin of image addresses; None if images are files."""

    def remove_unfinished(self) -> None:
        """Remove what a dead server was receiving or writing. Only at a start."""

    def close(self) -> None: ...
