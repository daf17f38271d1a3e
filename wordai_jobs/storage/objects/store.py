"""A client of an object store, in place of the errors and options of the library obstore."""

import logging
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from wordai_jobs.availability import Availability
from wordai_jobs.errors import StartError, StorageAway, StorageError, StorageFull
from wordai_jobs.storage.objects.keys import IDENTITY, headers
from wordai_jobs.storage.objects.signing import signed_as_of

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

try:
    import obstore
    from obstore.exceptions import (
        BaseError,
        PermissionDeniedError,
        UnauthenticatedError,
    )
except ImportError as error:
    raise StartError(
        "storage.url needs the package obstore: pip install 'wordai-jobs[cluster]'"
    ) from error

# A request of a client waits for the store for about this long; then the store counts as away.
_TIMEOUT_S = 5
_CONNECT_TIMEOUT_S = 2
_RETRY_FOR_S = 4
# Large objects move in parts of this size, each with a timeout of its own, so that memory is
# bounded and a slow link is no failure.
_PART_BYTES = 8 * 1024 * 1024
_PARTS_AT_ONCE = 4
_PART_TIMEOUT_S = 60

_PREFIX = re.compile(r"Generic \w+ error: ")
_CODE = re.compile(r"<Code>(\w+)</Code>")
_MISSING_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object: its key, its size in bytes, and when it was stored."""

    key: str
    size: int
    changed_at: datetime


class ObjectStore:
    """Objects by their keys, below the prefix in the URL. Thread-safe.

    Every method raises StorageAway if the store cannot be reached or does not respond in time, and
    StorageError if it refuses access.
    """

    def __init__(self, url: str, request_slots: int) -> None:
        """`url` is as in `storage.url`; credentials come from the environment. Connects on first
        use. Raises StartError if the URL or the environment is not complete.

        `request_slots`: how many threads that handle requests may wait for the store at once.
        """
        self.url = url
        self._quick = _client(url, timeout_s=_TIMEOUT_S)
        self._patient = _client(url, timeout_s=_PART_TIMEOUT_S)
        self._availability = Availability(
            "the object store", StorageAway, self._probe, request_slots
        )
        self._origin: str | None = None

    def close(self) -> None:
        self._availability.close()

    def ping(self) -> None:
        """Raises what every method raises; waits no longer than other requests do."""
        with _translated_errors():
            self._find(IDENTITY)

    def put(self, key: str, content: bytes) -> None:
        """Store a small object, such as a page, or replace it."""
        with self._operation():
            obstore.put(self._quick, key, content, attributes=headers(key), use_multipart=False)

    def put_file(self, key: str, path: Path) -> None:
        """Store a file of any size."""
        # It may take long, and must not keep other requests from the store.
        with self._operation(nullcontext()):
            obstore.put(
                self._patient,
                key,
                path,
                attributes=headers(key),
                chunk_size=_PART_BYTES,
                max_concurrency=_PARTS_AT_ONCE,
            )

    def get(self, key: str) -> bytes | None:
        with self._operation():
            try:
                return bytes(obstore.get(self._quick, key).bytes())
            except FileNotFoundError as error:
                _require_bucket(error)
                return None

    def find(self, key: str) -> StoredObject | None:
        with self._operation():
            return self._find(key)

    def download(self, key: str, path: Path, on_progress: Callable[[float], None]) -> None:
        """Write an object into a new file. Raises FileNotFoundError if there is none.

        `on_progress` is called before each part, with the part of the object that is written.
        """
        with self._operation():
            size = obstore.head(self._quick, key)["size"]
        with open(path, "xb") as file:
            for start in range(0, size, _PART_BYTES):
                on_progress(start / size)
                end = min(start + _PART_BYTES, size)
                with self._operation():
                    part = obstore.get_range(self._patient, key, start=start, end=end)
                file.write(part)

    def under(self, prefix: str) -> Iterator[StoredObject]:
        """The objects whose keys begin with the prefix, which must end with a slash."""
        with self._operation():
            for batch in obstore.list(self._quick, prefix=prefix, chunk_size=1000):
                for found in batch:
                    yield _stored_object(found)

    def folders(self, prefix: str) -> list[str]:
        """The names directly below the prefix, which must end with a slash, that have objects."""
        with self._operation():
            listed = obstore.list_with_delimiter(self._quick, prefix=prefix)
            return [found.removeprefix(prefix) for found in listed["common_prefixes"]]

    def remove(self, keys: Iterable[str]) -> None:
        """Remove these objects, those that exist."""
        listed = list(keys)
        if listed:
            with self._operation():
                obstore.delete(self._quick, listed)

    def address(self, key: str, valid_for: timedelta, moment: datetime | None = None) -> str:
        """A signed address at which anyone can read the object for a while.

        `moment` is when that begins, now by default. If it is given, every server signs the same
        address, at least with S3 and a secret key in the environment.
        """
        with _translated_errors():
            address = obstore.sign(self._quick, "GET", key, valid_for)
        secret_key = os.environ.get("AWS_SECRET_ACCESS_KEY")
        if moment and secret_key and self.url.startswith("s3://"):
            return signed_as_of(address, secret_key, moment)
        return address

    @property
    def origin(self) -> str:
        """The origin of all addresses, such as `https://s3.eu-west-1.amazonaws.com`."""
        if self._origin is None:
            parts = urlsplit(self.address(IDENTITY, timedelta(minutes=1)))
            self._origin = f"{parts.scheme}://{parts.netloc}"
        return self._origin

    def _find(self, key: str) -> StoredObject | None:
        try:
            return _stored_object(obstore.head(self._quick, key))
        except FileNotFoundError:
            return None

    def _probe(self) -> None:
        """Raises StorageAway if the store does not respond soon."""
        try:
            self.ping()
        except StorageAway:
            raise
        except StorageError:
            return  # it responds

    @contextmanager
    def _operation(self, turn: AbstractContextManager[None] | None = None) -> Iterator[None]:
        with turn or self._availability.operation():
            try:
                with _translated_errors():
                    yield
            except StorageError as error:
                if error.__cause__:
                    logger.error("object store: %s", _reason(error.__cause__))
                if isinstance(error, StorageAway):
                    self._availability.lost()
                raise


def _stored_object(found: Any) -> StoredObject:
    return StoredObject(found["path"], found["size"], found["last_modified"])


def _client(url: str, timeout_s: int) -> Any:
    options: ClientConfig = {
        "timeout": f"{timeout_s}s",
        "connect_timeout": f"{_CONNECT_TIMEOUT_S}s",
        "allow_http": os.environ.get("AWS_ENDPOINT_URL", "").startswith("http://"),
    }
    retries: RetryConfig = {"max_retries": 2, "retry_timeout": timedelta(seconds=_RETRY_FOR_S)}
    try:
        return obstore.store.from_url(url, client_options=options, retry_config=retries)
    except (BaseError, ValueError) as error:
        raise StartError(f"Configuration: storage.url: {_reason(error)}") from error


@contextmanager
def _translated_errors() -> Iterator[None]:
    """Turn the library's errors into StorageError, StorageFull and StorageAway."""
    try:
        yield
    except FileNotFoundError as error:
        _require_bucket(error)
        raise
    except BaseError as error:
        _require_bucket(error)
        if _is_refusal(error):
            message = f"the object store refuses access: {_reason(error)}"
            raise StorageError(message) from error
        if "status code: 507" in str(error):
            raise StorageFull from error
        raise StorageAway from error


def _is_refusal(error: Exception) -> bool:
    if isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return True
    # Errors of lists have no class of their own.
    return "status code: 403" in str(error) or "status code: 401" in str(error)


def _require_bucket(error: Exception) -> None:
    """Raises StorageError if the error says that the bucket does not exist."""
    if any(sign in str(error) for sign in _MISSING_BUCKET):
        raise StorageError("the bucket of storage.url does not exist") from error


def _reason(error: BaseException) -> str:
    """The code that the store has sent, or what is most specific in the library's message."""
    text = str(error).partition("\n\nDebug source:")[0]
    code = _CODE.search(text)
    return code[1] if code else _PREFIX.sub("", text.rpartition(" - ")[2].strip(" :\n"))
