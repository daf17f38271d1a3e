"""What can go wrong, as exceptions that know their HTTP status and their words for the user.

`detail` is shown to users: no path, address or traceback belongs in it. What an operator needs goes
to the log.
"""

import errno
from collections.abc import Mapping
from pathlib import Path

# What the system says if there is no room: the disk is full, or its owner's quota is used up.
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


class AppError(Exception):
    """Base of everything that is answered with `{"detail": …}`."""

    status = 500

    def __init__(self, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})


class BadRequest(AppError):
    """The body cannot be read at all."""

    status = 400


class InvalidPdf(BadRequest):
    """The upload is no PDF that can be turned into pages; the detail says which way."""


class Unauthenticated(AppError):
    """No token, or one that could not be verified. Never says why: that helps only a forger."""

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
    """The thing exists and belongs to somebody else."""

    status = 403

    def __init__(self, kind: str) -> None:
        super().__init__(f"Access denied to this {kind}")


class NotFound(AppError):
    """There is no such thing, whatever its id looks like."""

    status = 404

    def __init__(self, kind: str, identifier: str) -> None:
        super().__init__(f"{kind.capitalize()} {identifier} not found")


class Conflict(AppError):
    """The state of the thing does not allow what was asked."""

    status = 409


class UploadTooLarge(AppError):
    """The body is larger than `limits.max_upload_mb`."""

    status = 413

    def __init__(self, limit_mb: int) -> None:
        super().__init__(f"The upload is larger than the limit of {limit_mb} MB")


class BodyTooLarge(AppError):
    """The body has no PDF in it, and is larger than such bodies may be."""

    status = 413

    def __init__(self, limit_mb: int) -> None:
        super().__init__(f"The body is larger than the limit of {limit_mb} MB")


class FieldTooLarge(AppError):
    """A field of a form is larger than fields may be."""

    status = 413

    def __init__(self, limit_mb: int) -> None:
        super().__init__(f"A form field is larger than the limit of {limit_mb} MB")


class Invalid(AppError):
    """A field is missing, of a wrong type or out of range; the detail names it."""

    status = 422


class TooManyJobs(AppError):
    """The caller has as many jobs running and waiting as one user may."""

    status = 429

    def __init__(self, limit: int, retry_after_s: int) -> None:
        jobs = "job that has" if limit == 1 else "jobs that have"
        super().__init__(
            f"You have {limit} {jobs} not ended, which is the limit",
            headers={"Retry-After": str(retry_after_s)},
        )


class Busy(AppError):
    """The server takes no more work of this kind for now."""

    status = 503

    def __init__(self, detail: str, retry_after_s: int) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after_s)})


class NotReady(AppError):
    """A part that the server needs does not work; the detail names it."""

    status = 503


class StorageFull(AppError):
    """No room on the disk that holds PDFs and pages."""

    status = 507

    def __init__(self) -> None:
        super().__init__("Storage is full")


class QuotaReached(AppError):
    """The caller has stored as much as one user may."""

    status = 507

    def __init__(self, limit_mb: int) -> None:
        super().__init__(
            f"You have reached the limit of {limit_mb} MB of stored files: remove chapters that you "
            "no longer need"
        )


class DatabaseError(AppError):
    """The database did not do what was asked. `message` says what failed; the log says why."""

    def __init__(self, message: str) -> None:
        super().__init__("Internal server error")
        self.message = message


class DatabaseAway(DatabaseError):
    """The database does not answer, or not in time."""

    def __init__(self) -> None:
        super().__init__("the database cannot be reached")


class StatusUnavailable(AppError):
    """A job's status could not be read just now; polling clients go on polling."""

    def __init__(self, message: str) -> None:
        super().__init__(f"Failed to get job status: {message}")


class StartError(Exception):
    """The server cannot start; the message is the one line its operator reads."""


class DataFolderInUse(StartError):
    """Another running server is using this data folder."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"Another running server is using the data folder {folder}; stop it, or set "
            "storage.data_dir"
        )
