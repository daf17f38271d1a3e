"""The errors of the service, with their HTTP status and a message.

Users read that message (`detail`), so it must not contain paths, addresses or tracebacks. Those
belong in the log.
"""

import errno
from collections.abc import Mapping
from pathlib import Path

# The error numbers of the system for "no room": the disk is full, or the user's quota is used up.
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


class AppError(Exception):
    """The base of all errors that become a response `{"detail": …}`."""

    status = 500

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})


class BadRequest(AppError):
    """The body cannot be read at all."""

    status = 400


class InvalidPdf(BadRequest):
    """The upload is not a PDF that can be rendered; the detail says why."""


class Unauthenticated(AppError):
    """No token, or one that could not be verified. It never says why: that would help forgers."""

    status = 401

    def __init__(self) -> None:
        super().__init__("Could not validate credentials", headers={"WWW-Authenticate": "Bearer"})


class SignInUnavailable(AppError):
    """Nothing is known against the token, but it cannot be verified for now."""

    status = 503

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(
            "Sign-in cannot be checked right now", headers={"Retry-After": str(retry_after_s)}
        )


class AccessDenied(AppError):
    """The job, book, chapter or file belongs to another user."""

    status = 403

    def __init__(self, kind: str) -> None:
        super().__init__(f"Access denied to this {kind}")


class NotFound(AppError):
    """There is no job, book, chapter, page or file with this id."""

    status = 404

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"{kind.capitalize()} {identifier} not found")


class Conflict(AppError):
    """The state of the job or book does not allow the request."""

    status = 409


class ClientGone(AppError):
    """The client has closed its connection while its request waited; nobody reads this."""

    status = 499  # as nginx logs it

    def __init__(self) -> None:
        super().__init__("The client is gone")


class UploadTooLarge(AppError):
    """The body is larger than `limits.max_upload_mb`."""

    status = 413

    def __init__(self, limit_mb: int) -> None:
        super().__init__(f"The upload is larger than the limit of {limit_mb} MB")


class BodyTooLarge(AppError):
    """The body is larger than bodies without a PDF may be."""

    status = 413

    def __init__(self, limit_mb: int) -> None:
        super().__init__(f"The body is larger than the limit of {limit_mb} MB")


class FieldTooLarge(AppError):
    """A field of a form is larger than form fields may be."""

    status = 413

    def __init__(self, limit_mb: int) -> None:
        super().__init__(f"A form field is larger than the limit of {limit_mb} MB")


class Invalid(AppError):
    """A field is missing, of a wrong type or out of range; the detail names it."""

    status = 422


class TooManyJobs(AppError):
    """With the new jobs, the caller would have more unfinished ones than one user may have."""

    status = 429

    def __init__(self, limit: int, unfinished: int, new: int, retry_after_s: int) -> None:
        jobs = "1 unfinished job" if unfinished == 1 else f"{unfinished} unfinished jobs"
        detail = f"You have {jobs}, which is the limit"
        if new > 1:
            detail = f"You have {jobs}, and {new} more would exceed the limit of {limit}"
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)})


class Busy(AppError):
    """The server cannot accept the request now; the same request may succeed later."""

    status = 503

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)})


class NotReady(AppError):
    """A part of the server does not work; the detail names it."""

    status = 503


class StorageFull(AppError):
    """There is no room on the disk that holds PDFs and pages."""

    status = 507

    def __init__(self) -> None:
        super().__init__("Storage is full")


class StorageError(AppError):
    """An object store cannot be used. `message` says why, for operators."""

    status = 503

    def __init__(self, message: str) -> None:
        super().__init__("Storage cannot be reached right now", headers={"Retry-After": "5"})
        self.message = message


class StorageAway(StorageError):
    """The object store does not respond, or not in time."""

    def __init__(self) -> None:
        super().__init__("the object store cannot be reached")


class QuotaReached(AppError):
    """The caller has stored as much as one user may."""

    status = 507

    def __init__(self, limit_mb: int) -> None:
        super().__init__(
            f"You have reached the limit of {limit_mb} MB of stored files: "
            "delete chapters that you no longer need"
        )


class DatabaseError(AppError):
    """A database operation failed. `message` says what failed; the log says why."""

    def __init__(self, message: str) -> None:
        super().__init__("Internal server error")
        self.message = message


class DatabaseAway(DatabaseError):
    """The database does not respond, or not in time."""

    def __init__(self) -> None:
        super().__init__("the database cannot be reached")


class StatusUnavailable(AppError):
    """The status of a job cannot be read now; clients keep polling."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Failed to get job status: {message}")


class StartError(Exception):
    """The server cannot start; the message is the one line that its operator reads."""


class FolderUnusable(StartError):
    """A part of the data folder cannot be read or written."""

    def __init__(self, error: OSError) -> None:
        super().__init__(f"Cannot use {error.filename or 'the data folder'}: {error.strerror}")


class DataFolderInUse(StartError):
    """Another running server is using this data folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"Another running server is using the data folder {folder}; stop it, or set "
            "storage.data_dir"
        )
