"""The stores of one data folder."""

from wordai_jobs.storage.folder import DataFolder
from wordai_jobs.storage.pages import PageStore
from wordai_jobs.storage.trash import Trash
from wordai_jobs.storage.uploads import UploadStore


class Storage:
    """The data folder, and the stores that read and write in it."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self.uploads = UploadStore(folder)
        self.pages = PageStore(folder)
        self.trash = Trash(folder)
