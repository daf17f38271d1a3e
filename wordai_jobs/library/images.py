"""Page images of other resolutions than the stored one: rendered when they are asked for, and kept
for the next time.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

from wordai_jobs.database.client import Database
from wordai_jobs.errors import (
    AppError,
    Busy,
    ClientGone,
    Conflict,
    Invalid,
    NotFound,
    StorageFull,
)
from wordai_jobs.model.chapter import Chapter
from wordai_jobs.model.job import ErrorClass
from wordai_jobs.model.page_names import IMAGE_ENDINGS, page_file_stem
from wordai_jobs.rendering.metrics import ImageRequest, RenderMetrics
from wordai_jobs.rendering.pool import RenderPool
from wordai_jobs.rendering.task import Part, RenderingError
from wordai_jobs.storage.data_folder import translated_full_disk
from wordai_jobs.storage.storage import ImageFile, Storage, UploadGone

RESOLUTIONS = (75, 150, 300)
# Requests that wait for an image; the HTTP server has as many threads more than others need.
MOST_WAITING = 8
# Of these, requests for pages of one user: the other places are for other users.
_MOST_OF_ONE_USER = 6
# Images that are rendered at once, at most: one for each of two users.
MOST_AT_ONCE = 2
# The longest that a request waits until its image is being rendered.
_LONGEST_WAIT_S = 20.0
_CHECK_INTERVAL_S = 0.1
_BUSY_RETRY_S = 5
_TOO_MANY = "Too many images are being rendered, try again soon"
# While jobs render, there is a pause after each image, this many times as long as the image took.
# Images then take a sixth of the time of one process.
_PAUSE = 5.0
_ROOM_BYTES = 4 * 1024 * 1024
_PNG = b"\x89PNG"


class ImageService:
    """Renders page images in other resolutions, each in a renderer of its own.

    A user gets one image at a time, so that nobody waits for a page of another user that hangs.
    """

    def __init__(
        self,
        database: Database,
        storage: Storage,
        pool: RenderPool,
        metrics: RenderMetrics,
        jobs_render: Callable[[], bool],
    ) -> None:
        """`pool` is for these images alone, and is started with the first one. `jobs_render`:
        whether jobs need the processor now.
        """
        self._database = database
        self._storage = storage
        self._cache = storage.folder.images
        self._pool = pool
        self._metrics = metrics
        self._jobs_render = jobs_render
        self._waiting: list[str] = []  # the owner of each page
        self._changed = threading.Condition()
        self._served: set[str] = set()
        self._pause_until = 0.0
        self._is_started = False

    def stop(self) -> None:
        self._pool.stop()

    @contextmanager
    def image(
        self, chapter_id: str, number: int, dpi: int, is_wanted: Callable[[], bool]
    ) -> Iterator[ImageFile | None]:
        """The image of a page in this resolution, which stays until the block ends; None if that is
        the stored one.

        Raises Invalid for other resolutions and for a page that cannot be rendered, NotFound,
        Conflict if the chapter is not complete, Busy, StorageFull, and ClientGone once `is_wanted`
        returns False.
        """
        name = f"{chapter_id}-{page_file_stem(number)}-{dpi}"
        is_cached = name in self._cache
        if dpi in RESOLUTIONS and dpi != self._pool.dpi and not is_cached:
            self._check_room()  # refused requests cost little, because there may be many
        chapter = self._chapter(chapter_id, number)
        stored_dpi = chapter.dpi or self._pool.dpi
        if dpi not in (*RESOLUTIONS, stored_dpi):
            raise Invalid("dpi must be 75, 150 or 300")
        if dpi == stored_dpi or chapter.pages[0].problem:
            yield None
            return
        wish = _Wish(is_wanted)
        with (
            nullcontext() if is_cached else self._place(chapter.user_id),
            self._cache.use(
                name,
                lambda target: self._make(chapter, number, dpi, target, wish),
                wish.check_while_waiting,
            ) as path,
        ):
            if is_cached:
                self._metrics.image_requested(ImageRequest.CACHED)
            elif not self._database.chapters.find(chapter_id):
                self._cache.remove(name)  # the chapter was removed while its page was rendered
                raise NotFound("chapter", chapter_id)
            yield ImageFile(path, _media_type(path))

    def remove_strays(self) -> None:
        """Remove images of chapters that another server has removed. Raises DatabaseError."""
        cached = {name.rsplit("-", 2)[0] for name in self._cache.names}
        for chapter_id in cached - self._database.chapters.existing(cached):
            self._cache.remove(chapter_id)

    def _chapter(self, chapter_id: str, number: int) -> Chapter:
        """The chapter, with only this page."""
        chapter = self._database.chapters.find_with_page(chapter_id, number)
        if chapter and chapter.pages:
            return chapter
        if chapter is None and self._storage.pages.image(chapter_id, number):
            raise Conflict("The chapter is not complete yet")
        raise NotFound("page", str(number))

    def _make(self, chapter: Chapter, number: int, dpi: int, target: Path, wish: "_Wish") -> None:
        if not self._storage.folder.has_room_for(_ROOM_BYTES):
            raise StorageFull
        try:
            with (
                translated_full_disk(),
                TemporaryDirectory(dir=target.parent) as folder,
                self._storage.uploads.fetch(chapter.file_id, wish.check_while_waiting) as pdf,
                self._turn(chapter.user_id, wish),
                self._pool.rendering(
                    Part(pdf, chapter.total_pages, chapter.first_page, dpi),
                    Path(folder),
                    "fail",
                    range(number, number + 1),
                ) as task,
            ):
                while not task.next_page(_CHECK_INTERVAL_S):
                    wish.check()
                stem = Path(folder) / page_file_stem(number)
                [image] = (each for each in map(stem.with_suffix, IMAGE_ENDINGS) if each.exists())
                os.rename(image, target)
        except UploadGone:
            raise NotFound("file", chapter.file_id) from None
        except RenderingError as error:
            self._metrics.image_requested(ImageRequest.FAILED)
            raise _as_app_error(error) from error
        self._metrics.image_requested(ImageRequest.RENDERED)

    @contextmanager
    def _place(self, user_id: str) -> Iterator[None]:
        with self._changed:
            self._check_room(user_id)
            self._waiting.append(user_id)
        try:
            yield
        finally:
            with self._changed:
                self._waiting.remove(user_id)

    def _check_room(self, user_id: str = "") -> None:
        of_user = self._waiting.count(user_id)
        if len(self._waiting) >= MOST_WAITING or of_user >= _MOST_OF_ONE_USER:
            self._metrics.image_requested(ImageRequest.REFUSED)
            raise Busy(_TOO_MANY, _BUSY_RETRY_S)

    @contextmanager
    def _turn(self, user_id: str, wish: "_Wish") -> Iterator[None]:
        """Wait until a page of this user may be rendered."""
        with self._changed:
            while not self._is_turn_of(user_id):
                wish.check_while_waiting()
                self._changed.wait(_CHECK_INTERVAL_S)
            self._served.add(user_id)
            if not self._is_started:
                self._pool.start()
                self._is_started = True
        began = time.monotonic()
        try:
            yield
        finally:
            with self._changed:
                now = time.monotonic()
                self._pause_until = now + _PAUSE * (now - began)
                self._served.remove(user_id)
                self._changed.notify_all()

    def _is_turn_of(self, user_id: str) -> bool:
        if user_id in self._served or len(self._served) >= self._pool.size:
            return False
        return time.monotonic() >= self._pause_until or not self._jobs_render()


class _Wish:
    """A request that waits for an image."""

    def __init__(self, is_wanted: Callable[[], bool]) -> None:
        self._is_wanted = is_wanted
        self._give_up_at = time.monotonic() + _LONGEST_WAIT_S

    def check(self) -> None:
        """Raises ClientGone."""
        if not self._is_wanted():
            raise ClientGone

    def check_while_waiting(self, done: float = 0) -> None:
        """Raises ClientGone, and Busy if it takes too long until the page is being rendered."""
        self.check()
        if time.monotonic() >= self._give_up_at:
            raise Busy(_TOO_MANY, _BUSY_RETRY_S)


def _media_type(image: Path) -> str:
    with open(image, "rb") as file:
        return "image/png" if file.read(len(_PNG)) == _PNG else "image/jpeg"


def _as_app_error(error: RenderingError) -> AppError:
    if error.error_class is ErrorClass.STORAGE_FULL:
        return StorageFull()
    if error.error_class is ErrorClass.OTHER:
        return AppError(str(error))
    return Invalid(str(error))
