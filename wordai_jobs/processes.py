"""The processes that a server starts for itself. They begin before it has imported the rest of its
code, which takes as long as their own start.
"""

from contextlib import suppress
from pathlib import Path

from wordai_jobs.config import Config
from wordai_jobs.database.embedded import EmbeddedDatabase
from wordai_jobs.rendering.fork_client import ForkServer
from wordai_jobs.storage.data_folder import DataFolder


class Processes:
    """The embedded database, if that is the configured one, and the fork server; and the data
    folder, which must be locked before a process is started.
    """

    def __init__(self, config: Config) -> None:
        self.folder = DataFolder(Path(config.storage.data_dir), config.storage.image_cache_mb)
        self.database = embedded_database(config, self.folder)
        self.fork_server = ForkServer(config.rendering.sandbox)

    def begin(self) -> None:
        """Begin to start them, on a permanent thread; returns at once. Otherwise the backend does.

        Raises StartError if the data folder cannot be used.
        """
        self.folder.create()
        self.folder.lock.acquire()
        if self.database:
            self.database.begin()
        with suppress(OSError):  # then the first renderer tries it again
            self.fork_server.begin()

    def stop(self) -> None:
        self.fork_server.stop()
        if self.database:
            self.database.stop()
        self.folder.lock.release()


def embedded_database(config: Config, folder: DataFolder) -> EmbeddedDatabase | None:
    """The embedded database, which is to be started; None if another one is configured."""
    if config.mongodb.uri != "embedded":
        return None
    return EmbeddedDatabase(folder.mongodb, folder.lock)
