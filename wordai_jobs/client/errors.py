"""The errors that a client's call can raise. `ClientError` is the base of all of them."""


class ClientError(Exception):
    """`detail` is a message for users; `status` is HTTP's, None if there was no response.

    `retry_after_s` is how many seconds the server asks to wait before the next try, None if it
    does not say.
    """

    def __init__(
        self, detail: str, status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.status = status
        self.retry_after_s = retry_after_s


class Unreachable(ClientError):
    """There was no response: wrong address, no network, or the server is not running."""


class NotAuthenticated(ClientError):
    """401: no token, or one that has expired or is not valid here."""


class AccessDenied(ClientError):
    """403: it belongs to another user."""


class NotFound(ClientError):
    """404: there is no such job, book, chapter, page or file."""


class Conflict(ClientError):
    """409: the job's state does not allow it."""


class Refused(ClientError):
    """400, 413, 422 and other 4xx: the request is wrong; trying it again will not help."""


class Busy(ClientError):
    """429 and 503: not now; the same request may succeed later."""


class ServerFault(ClientError):
    """Other 5xx, from the server or from a proxy in front of it."""


class FileChanged(ClientError):
    """The PDF became shorter while it was being sent."""


class WaitTimeout(ClientError):
    """The job has not ended in the time that the caller wanted to wait. It continues."""


_BY_STATUS: dict[int, type[ClientError]] = {
    401: NotAuthenticated,
    403: AccessDenied,
    404: NotFound,
    409: Conflict,
    429: Busy,
    503: Busy,
}


def error_for(status: int, detail: str, retry_after_s: float | None) -> ClientError:
    """The error to raise for a response with this status."""
    kind = _BY_STATUS.get(status, ServerFault if status >= 500 else Refused)
    return kind(detail, status, retry_after_s)
