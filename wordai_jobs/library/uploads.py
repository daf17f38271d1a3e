"""Taking PDFs in: stored, looked at, recorded; or refused without a trace."""

from typing import IO

from wordai_jobs.clock import utc_now
from wordai_jobs.database.uploads import UploadRepository
from wordai_jobs.errors import AccessDenied, Invalid, NotFound, StorageFull, UploadTooLarge
from wordai_jobs.model.upload import Upload, clean_filename
from wordai_jobs.rendering.inspector import Inspector
from wordai_jobs.storage.folder import DataFolder
from wordai_jobs.storage.uploads import UploadStore


class UploadService:
    """A user's uploaded PDFs."""

    def __init__(
        self,
        folder: DataFolder,
        store: UploadStore,
        inspector: Inspector,
        uploads: UploadRepository,
        max_upload_mb: int,
        max_pages: int,
    ) -> None:
        self._folder = folder
        self._store = store
        self._inspector = inspector
        self._uploads = uploads
        self._max_upload_mb = max_upload_mb
        self._max_pages = max_pages

    def check_room(self, size: int) -> None:
        """Raises UploadTooLarge or StorageFull for a body of `size` bytes, before any of it is
        kept.
        """
        if size > self._max_upload_mb * 1024 * 1024:
            raise UploadTooLarge(self._max_upload_mb)
        if not self._folder.has_room_for(size):
            raise StorageFull

    def add(self, user_id: str, filename: str | None, content: IO[bytes]) -> Upload:
        """Store and record a PDF.

        Raises InvalidPdf, Invalid for too many pages, UploadTooLarge, StorageFull, Busy or
        DatabaseError; then nothing is left of it.
        """
        with self._store.receiving(content, self._max_upload_mb) as stored:
            page_count = self._inspector.page_count(stored.path)
            if page_count > self._max_pages:
                raise Invalid(
                    f"PDF has {page_count} pages, more than the limit of {self._max_pages}"
                )
        upload = Upload(
            stored.file_id,
            user_id,
            clean_filename(filename),
            stored.size,
            stored.sha256,
            page_count,
            utc_now(),
        )
        try:
            self._uploads.insert(upload)
        except BaseException:
            self._store.remove(stored.file_id)
            raise
        return upload

    def get(self, file_id: str, user_id: str) -> Upload:
        """Raises NotFound, AccessDenied or DatabaseError."""
        upload = self._uploads.find(file_id)
        if upload is None:
            raise NotFound("file", file_id)
        if upload.user_id != user_id:
            raise AccessDenied("file")
        return upload

    def remove(self, upload: Upload) -> None:
        """Forget an upload that nothing uses."""
        self._uploads.remove(upload.file_id)
        self._store.remove(upload.file_id)
