"""Storage in the data folder."""

from wordai_jobs.storage.data_folder import DataFolder
from wordai_jobs.storage.folder.pages import FolderPages
from wordai_jobs.storage.folder.trash import FolderTrash
from wordai_jobs.storage.folder.uploads import FolderUploads
from wordai_jobs.storage.receiving import remove_unfinished


class FolderStorage:
    """Implements `Storage`."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self.uploads = FolderUploads(folder)
        self.pages = FolderPages(folder)
        self.trash = FolderTrash(folder)
        self.holders = (folder,)

    def identity(self) -> str | None:
        return self.folder.identity()

    def problem(self) -> str | None:
        try:
            self.folder.check_writable()
        except OSError as error:
            return f"storage cannot be written: {error.strerror}"
        return None

    def image_origin(self) -> str | None:
        return None

    def remove_unfinished(self) -> None:
        remove_unfinished(self.folder)
        self.folder.images.load()

    def close(self) -> None:
        """Nothing: files need no connection."""
