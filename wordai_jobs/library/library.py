"""What users own: books, chapters and uploads, and where they have stopped reading."""

from wordai_jobs.config import Config
from wordai_jobs.database.client import Database
from wordai_jobs.library.books import BookService
from wordai_jobs.library.quota import Quota
from wordai_jobs.library.reading import ReadingService
from wordai_jobs.library.search import SearchService
from wordai_jobs.library.uploads import UploadService
from wordai_jobs.rendering.inspector import Inspector
from wordai_jobs.storage.storage import Storage


class Library:
    """The services for books, uploads and reading."""

    def __init__(
        self, config: Config, database: Database, storage: Storage, inspector: Inspector
    ) -> None:
        self.quota = Quota(database, config.limits.max_stored_mb_per_user)
        self.books = BookService(database, storage, self.quota)
        self.reading = ReadingService(database, self.books)
        self.uploads = UploadService(config, database, storage, inspector, self.quota)
        self.search = SearchService(database, storage, self.books)
        self._storage = storage

    @property
    def folder_id(self) -> str | None:
        """The identity of the storage that holds the files."""
        return self._storage.identity()
