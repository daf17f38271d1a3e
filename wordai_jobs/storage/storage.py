"""All that is kept as files: the data folder with its uploads and pages."""

from wordai_jobs.storage.folder import DataFolder
from wordai_jobs.storage.pages import PageStore
from wordai_jobs.storage.trash import Trash
from wordai_jobs.storage.uploads import UploadStore


class Storage:
    """The files of one data folder."""

    def __init__(self, folder: DataFolder) -> None:
        self.folder = folder
        self.uploads = UploadStore(folder)
        self.pages = PageStore(folder)
        self.trash = Trash(folder)
