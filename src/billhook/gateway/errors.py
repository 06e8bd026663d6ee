"""What the gateway itself refuses: each error with a code, a status and a message.

GatewayError
├── RouteNotFound         404  no such path
├── MethodNotAllowed      405  another method than POST
├── KeyMissing            401  no API key came
├── KeyUnknown            401  a key that is unknown or revoked
├── TooManyFailures       429  too many wrong keys from one address
├── TooManyRuns           429  more runs than the key's limit
├── CommandNotFound       404  no such integration or command of the caller's
├── NotJson               415  a body that isn't application/json
├── BodyTooLarge          413  more bytes than the limit
├── BodyTooSlow           408  the body didn't come in time
├── BadJson               400  a body that can't be read as JSON
├── BadBody               422  JSON, but not {"tokens": {…}}: every mistake, in ``problems``
├── CallerLeft            499  the caller closed the connection; only recorded, never sent
├── ShuttingDown          503  the server is stopping
└── InternalError         500  our own mistake
"""

from __future__ import annotations

from typing import ClassVar

from billhook.engine.errors import Problem


class GatewayError(Exception):
    """The root of what the gateway refuses. ``str(error)`` is its public message."""

    code: ClassVar[str]
    status: ClassVar[int]
    default_message: ClassVar[str] = ""

    def __init__(self, public_message: str | None = None) -> None:
        self.public_message = public_message or self.default_message
        super().__init__(self.public_message)

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Headers that belong to an answer with this error."""
        return ()

    @property
    def problems(self) -> tuple[Problem, ...]:
        """The single mistakes that this error is made of."""
        return ()


class RouteNotFound(GatewayError):
    """The path isn't one of the API's."""

    code = "route-not-found"
    status = 404
    default_message = (
        "There is nothing at this address. "
        "A command is run at /api/v1/integrations/{integration}/commands/{command}/run."
    )


class MethodNotAllowed(GatewayError):
    """The method isn't POST."""

    code = "method-not-allowed"
    status = 405
    default_message = "A command is run with POST, and with no other method."

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
    """No API key came, or not as a Bearer token, or more than one."""

    code = "key-missing"
    default_message = (
        "No API key came. Send one, in one header: Authorization: Bearer KEY. "
        "An owner or editor of the organisation makes keys in the backoffice."
    )


class KeyUnknown(_Unauthorised):
    """The API key is none of ours, or was revoked."""

    code = "key-unknown"
    default_message = (
        "This API key is not known here: it is mistyped, or it was revoked. "
        "An owner or editor of the organisation can make a new one in the backoffice."
    )


class _TooMany(GatewayError):
    status = 429

    def __init__(self, wait: float) -> None:
        self.retry_after = max(1, -int(-wait // 1))
        super().__init__()

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Say in how many whole seconds to try again (RFC 9110, 10.2.3)."""
        return ((b"retry-after", b"%d" % self.retry_after),)


class TooManyFailures(_TooMany):
    """This address sent too many wrong keys."""

    code = "too-many-failures"
    default_message = (
        "Too many wrong API keys came from this address. "
        "Wait as long as Retry-After says, and check the key."
    )


class TooManyRuns(_TooMany):
    """This key was used for more runs than its limit."""

    code = "too-many-runs"
    default_message = (
        "More runs came with this API key than the operator allows. "
        "Wait as long as Retry-After says, then go on more slowly."
    )


class CommandNotFound(GatewayError):
    """The caller's organisation has no such integration, or no such command in it."""

    code = "command-not-found"
    status = 404
    default_message = (
        "The organisation of this API key has no integration with this name or id that has this "
        "command. Names are case-sensitive; the backoffice lists them under Integrations."
    )


class NotJson(GatewayError):
    """The body isn't declared as plain JSON."""

    code = "not-json"
    status = 415
    default_message = (
        "The body has to be JSON in UTF-8 and not compressed: "
        "send it with Content-Type: application/json."
    )


class BodyTooLarge(GatewayError):
    """The body is larger than the limit."""

    code = "body-too-large"
    status = 413

    def __init__(self, limit: int) -> None:
        super().__init__(
            f"The body is larger than {limit:,} bytes, the limit. Send less in one request."
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
    """The body is JSON, but not of the shape that is expected."""

    code = "bad-body"
    status = 422

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        self._problems = problems
        super().__init__(" ".join(problem.message for problem in problems))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Every mistake found."""
        return self._problems


class CallerLeft(GatewayError):
    """The caller closed the connection before the answer. It is recorded, and never sent."""

    code = "caller-left"
    status = 499
    default_message = "The caller closed the connection before the answer came."


class ShuttingDown(GatewayError):
    """The server is stopping and takes no new runs."""

    code = "shutting-down"
    status = 503
    default_message = "The server is stopping or starting. Try again in a few seconds."

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Say when to try again, and close the connection."""
        return ((b"retry-after", b"5"), (b"connection", b"close"))


class InternalError(GatewayError):
    """A mistake of our own. What it was stands in the log, under the run's id."""

    code = "internal-error"
    status = 500
    default_message = (
        "Something went wrong on our side. Try again; if it stays, "
        "tell the operator the run's id and the time."
    )
