"""The gateway's own errors, each with a code, a status and a message.

GatewayError
├── RouteNotFound         404  no such path
├── MethodNotAllowed      405  another method than POST
├── KeyMissing            401  no API key came
├── KeyUnknown            401  a key that is unknown or revoked
├── KeyExpired            401  a key whose time is over
├── ScopeMissing          403  a key that may not run commands
├── TooManyFailures       429  too many wrong keys from one address
├── TooManyRuns           429  more runs than the key's limit
├── CommandNotFound       404  no such integration or command of the caller's
├── NotJson               415  a body that isn't application/json
├── BodyTooLarge          413  more bytes than the limit
├── BodyTooSlow           408  the body didn't come in time
├── BadJson               400  a body that can't be read as JSON
├── BadBody               422  JSON, but not {"tokens": {…}}: every problem, in ``problems``
├── CallerLeft            499  the caller closed the connection; only recorded, never sent
├── ShuttingDown          503  the server is stopping
├── TooManyCallers        503  more callers than this process can serve
├── DatabaseAway          503  a key or integration that isn't in memory, and can't be read now
└── InternalError         500  our own fault
"""

from __future__ import annotations

from typing import ClassVar

from billhook.engine.errors import Problem


class GatewayError(Exception):
    """The root of the gateway's own errors. ``str(error)`` is its public message."""

    code: ClassVar[str]
    status: ClassVar[int]
    default_message: ClassVar[str] = ""

    def __init__(self, public_message: str | None = None) -> None:
        self.public_message = public_message or self.default_message
        super().__init__(self.public_message)

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Headers of a response with this error."""
        return ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The single problems in this error."""
        return ()


class RouteNotFound(GatewayError):
    """The path isn't one of the API's."""

    code = "route-not-found"
    status = 404
    default_message = (
        "Nothing was found at this address. "
        "Commands are run at /api/v1/integrations/{integration}/commands/{command}/run."
    )


class MethodNotAllowed(GatewayError):
    """The method isn't POST."""

    code = "method-not-allowed"
    status = 405
    default_message = "A command can only be run with POST."

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Name the method that is allowed (RFC 9110, 15.5.6)."""
        return ((b"allow", b"POST"),)


class _Unauthorised(GatewayError):
    status = 401

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Name the scheme (RFC 9110, 11.6.1; RFC 6750, 3)."""
        return ((b"www-authenticate", b'Bearer realm="Billhook"'),)


class KeyMissing(_Unauthorised):
    """The request has no API key, more than one, or none as a Bearer token."""

    code = "key-missing"
    default_message = (
        "No API key was sent. Send one, in one header: Authorization: Bearer KEY. "
        "An owner or editor of the organisation can create keys in the backoffice."
    )


class KeyUnknown(_Unauthorised):
    """The API key is unknown, or was revoked."""

    code = "key-unknown"
    default_message = (
        "This API key is unknown: it was mistyped or revoked. "
        "An owner or editor of the organisation can create a new one in the backoffice."
    )


class KeyExpired(_Unauthorised):
    """The API key has expired."""

    code = "key-expired"
    default_message = (
        "This API key has expired. "
        "An owner or editor of the organisation can create a new one in the backoffice."
    )


class ScopeMissing(GatewayError):
    """The API key lacks the scope that this needs."""

    code = "scope-missing"
    status = 403
    default_message = (
        "This API key has no scope `run`, so it can't run commands. "
        "Use a key with this scope: an owner or editor can create one in the backoffice."
    )


class _TooMany(GatewayError):
    status = 429

    def __init__(self, wait: float) -> None:
        self.retry_after = max(1, -int(-wait // 1))
        super().__init__()

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Give the seconds to wait before trying again (RFC 9110, 10.2.3)."""
        return ((b"retry-after", b"%d" % self.retry_after),)


class TooManyFailures(_TooMany):
    """This address sent too many wrong keys."""

    code = "too-many-failures"
    default_message = (
        "Too many wrong API keys were sent from this address. "
        "Wait for the time in Retry-After, and check the key."
    )


class TooManyRuns(_TooMany):
    """This key was used for more runs than its limit."""

    code = "too-many-runs"
    default_message = (
        "This API key has started more runs than the operator allows. "
        "Wait for the time in Retry-After, then continue more slowly."
    )


class CommandNotFound(GatewayError):
    """The caller's organisation has no such integration, or no such command in it."""

    code = "command-not-found"
    status = 404
    default_message = (
        "The organisation of this API key has no enabled integration with this name or id and this "
        "command. Names are case-sensitive; the backoffice lists them under Integrations."
    )


class NotJson(GatewayError):
    """The body isn't declared as plain JSON."""

    code = "not-json"
    status = 415
    default_message = (
        "The body must be JSON in UTF-8 and not compressed: "
        "send it with Content-Type: application/json."
    )


class BodyTooLarge(GatewayError):
    """The body is larger than the limit."""

    code = "body-too-large"
    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The body is larger than the limit of {limit:,} bytes. Send less in one request."
        )


class BodyTooSlow(GatewayError):
    """The body didn't arrive in time."""

    code = "body-too-slow"
    status = 408
    default_message = "The body did not arrive in time. Send it together with the headers."

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Close the connection: the rest of the body may still come (RFC 9110, 15.5.9)."""
        return ((b"connection", b"close"),)


class BadJson(GatewayError):
    """The body can't be read as JSON."""

    code = "bad-json"
    status = 400


class BadBody(GatewayError):
    """The body is JSON, but not of the expected shape."""

    code = "bad-body"
    status = 422

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self._problems = problems
        super().__init__(" ".join(problem.message for problem in problems))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every problem found."""
        return self._problems


class CallerLeft(GatewayError):
    """The caller closed the connection before the response. It is recorded, and never sent."""

    code = "caller-left"
    status = 499
    default_message = "The caller closed the connection before the response was ready."


class ShuttingDown(GatewayError):
    """The server is stopping and accepts no new runs."""

    code = "shutting-down"
    status = 503
    default_message = "The server is stopping or starting. Try again in a few seconds."

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Give the seconds to wait, and close the connection."""
        return ((b"retry-after", b"5"), (b"connection", b"close"))


class TooManyCallers(GatewayError):
    """More callers are connected than this process can serve."""

    code = "too-many-callers"
    status = 503
    default_message = "Too many callers are connected at the moment. Try again in a few seconds."

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Give the seconds to wait, and close the connection, which takes a place of its own."""
        return ((b"retry-after", b"5"), (b"connection", b"close"))


class DatabaseAway(GatewayError):
    """The key or integration isn't in memory, and the database doesn't respond."""

    code = "database-away"
    status = 503
    default_message = (
        "This key or integration can't be looked up at the moment. Try again in a few seconds."
    )

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Give the seconds to wait."""
        return ((b"retry-after", b"5"),)


class InternalError(GatewayError):
    """A fault in Billhook. The log has the details, under the run's id."""

    code = "internal-error"
    status = 500
    default_message = (
        "Something went wrong on our side. Try again; if this continues, "
        "tell the operator the run's id and the time."
    )
