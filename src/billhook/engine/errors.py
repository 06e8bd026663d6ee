"""The engine's error tree: each has a stable code, a message that leaks nothing, and a status.

    BillhookError
    ├── ConfigurationError        problems in a file or a form: all of them, in ``problems``
    ├── TokenError                values that don't fit the command: all of them, in ``problems``
    ├── EgressDenied              the egress policy says no: the reason in ``verdict``
    ├── DocumentNotFound          the source says that it has no such document
    ├── NoRoom                    this machine has no room for the response
    └── SourceError               the source failed
        ├── SourceUnreachable         no connection: refused, reset, no route, name unknown
        ├── SourceTlsFailed           no trusted, private connection
        ├── SourceTimeout             a time limit ran out: which one, in ``phase``
        │   └── SourceTooSlow             it responds, but slower than the least throughput
        ├── SourceRefused             401 or 403: it didn't accept the credentials
        ├── SourceStatus              another status that isn't a success
        ├── SourceRedirected          a redirect that may not or can't be followed
        ├── SourceBroken              not HTTP, or HTTP against its own rules
        ├── SourceCutShort            the connection ended before the response did
        ├── SourceTooLarge            more bytes than the limit
        ├── SourceEncoded             a content encoding that we didn't ask for
        ├── SourceSaidNo              the response itself says that it failed
        ├── MissingValue              a value that a later step needs isn't in the response
        ├── AmbiguousAnswer           several values where one was asked for
        ├── AuthenticationFailed              no access token or session could be had
        ├── StillWorking              the source didn't finish in the time that it was given
        ├── SourcePaused              it failed so often that it is left alone for a while
        └── NotADocument              a response, but not a document of an accepted kind
            ├── WebPageInstead            a web page, perhaps a login page
            └── EmptyAnswer               nothing at all

A ``public_message`` never has a URL, a value, a secret or another library's text, so it may appear
in an API response, a log line or a page. No error has any text of the origin's, either.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from billhook.engine.verdict import Verdict

_REDIRECT_REASONS: Final = frozenset({"downgrade", "redirect-invalid", "redirect-limit"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem in a configuration or a value: what is wrong, where it is and how to fix it.

    ``where`` is a dotted path as in the integration file (``commands.GetInvoiceImage.url``);
    ``start`` and ``end`` are character offsets into the text there, when a part of it is meant.
    ``line`` is that of a file, from 1, where the problem comes out of one. ``suggestion`` is a
    text to write there instead, if a similar one is known.
    """

    code: str
    message: str
    where: str = ""
    start: int | None = None
    end: int | None = None
    line: int | None = None
    suggestion: str | None = None


class BillhookError(Exception):
    """The root of what the engine raises. ``str(error)`` is its public message."""

    code: ClassVar[str]
    status: ClassVar[int]
    """The HTTP status of the gateway's response."""
    exit_status: ClassVar[int]
    """The exit status of the command line."""
    default_message: ClassVar[str] = ""
    step: str = ""
    """The name of the step that failed, where a run has come so far."""

    def __init__(self, public_message: str | None = None) -> None:
        self.public_message = public_message or self.default_message
        super().__init__(self.public_message)


class _Problems(BillhookError):
    """An error with all the problems found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        if not problems:
            raise ValueError("an error of problems needs one at least")
        self.problems = problems
        super().__init__(" ".join(problem.message for problem in problems))


class ConfigurationError(_Problems):
    """A file or form can't be used as it is."""

    code = "configuration"
    status = 422
    exit_status = 2


class TokenError(_Problems):
    """Values given for tokens are unknown, missing or unfit for their place."""

    code = "token"
    status = 422
    exit_status = 2


class DocumentNotFound(BillhookError):
    """The source responded that there is no such document."""

    code = "document-not-found"
    status = 404
    exit_status = 3
    default_message = (
        "The source responded, but has no such document. "
        "Compare the invoice number with the one printed on the invoice."
    )


class NoRoom(BillhookError):
    """The response is too large for memory, and the folder for temporary files can't take it."""

    code = "no-room"
    status = 503
    exit_status = 2
    default_message = (
        "The response could not be stored: the disk is full or can't be written to. "
        "Tell the administrator."
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedPlace:
    """The host and port that the egress policy denies. It is in no message: the reader decides."""

    host: str
    port: int


class EgressDenied(BillhookError):
    """The operator's egress policy doesn't allow this address. The reason is in ``verdict``.

    ``place`` is the host and port, where these are what is denied.
    """

    code = "egress-denied"
    status = 502
    exit_status = 5

    def __init__(
        self, verdict: Verdict, public_message: str, *, place: DeniedPlace | None = None
    ) -> None:
        self.verdict = verdict
        self.place = place
        super().__init__(public_message)


class SourceError(BillhookError):
    """The source failed to give the document."""

    status = 502
    exit_status = 4


class SourceUnreachable(SourceError):
    """No connection could be made: the name is unknown, or it was refused, reset or not routed."""

    code = "source-unreachable"
    default_message = (
        "No connection to the source could be made. Check the spelling of the address, "
        "and that the system is running and lets this server in."
    )


class SourceTlsFailed(SourceError):
    """The TLS handshake failed, or the certificate isn't one that is trusted for this name."""

    code = "source-tls-failed"
    default_message = (
        "The source's certificate is not trusted for this address, or it can't speak TLS. "
        "Ask its administrator for a valid certificate."
    )


class SourceTimeout(SourceError):
    """A time limit ran out. ``phase`` is one of lookup, connect, tls, headers, body, whole."""

    code = "source-timeout"
    status = 504

    def __init__(self, phase: str, public_message: str | None = None) -> None:
        self.phase = phase
        super().__init__(
            public_message
            or f"The source took too long ({phase}). Try again, or raise the command's time limit."
        )


class SourceTooSlow(SourceTimeout):
    """The response came, but slower than the least throughput."""

    code = "source-too-slow"


class SourceRefused(SourceError):
    """The source responded with 401 or 403."""

    code = "source-refused"

    def __init__(self, http_status: int) -> None:
        self.http_status = http_status
        super().__init__(
            f"The source did not accept the credentials (status {http_status}). "
            "They may be mistyped, expired, or meant for another address."
        )


class SourceStatus(SourceError):
    """The source responded with a status that isn't a success."""

    code = "source-status"

    def __init__(self, http_status: int) -> None:
        self.http_status = http_status
        super().__init__(f"The source responded with status {http_status} instead of the document.")


class SourceRedirected(SourceError):
    """A redirect can't be followed: too many, no place to go, or from https to http.

    ``verdict`` is the guard's; without one, the command doesn't follow redirects at all.
    """

    code = "source-redirected"
    default_message = "The source sent us somewhere else in a way that can't be followed."

    def __init__(
        self, public_message: str | None = None, *, verdict: Verdict | None = None
    ) -> None:
        self.verdict = verdict
        super().__init__(public_message)


class SourceBroken(SourceError):
    """The response isn't HTTP, or is HTTP against its own rules."""

    code = "source-broken"
    default_message = "The source's response broke the rules of HTTP."


class SourceCutShort(SourceError):
    """The connection ended before the response did."""

    code = "source-cut-short"
    default_message = "The source's response was cut short before its end. Try again."


class SourceTooLarge(SourceError):
    """The response is larger than the command's ``max_bytes``."""

    code = "source-too-large"

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        super().__init__(
            f"The source's response is larger than {max_bytes:,} bytes, the command's limit."
        )


class SourceEncoded(SourceError):
    """The response came in a content encoding, although none was asked for."""

    code = "source-encoded"
    default_message = (
        "The source encoded its response in a way that wasn't requested. "
        "If it can only send it compressed, ask for that: compressed = true."
    )


class SourceSaidNo(SourceError):
    """The response doesn't meet the step's ``success_when``."""

    code = "source-said-no"
    default_message = (
        "The source responded, but the response itself says that it failed. "
        "Compare the step's success_when with the response."
    )


class MissingValue(SourceError):
    """A value that was to be taken out of a response isn't there, or is no single value."""

    code = "missing-value"

    def __init__(self, token: str, reason: str) -> None:
        self.token = token
        super().__init__(
            f"{{{{{token}}}}} could not be taken out of the response. {reason} "
            "Compare its path with the response."
        )


class AmbiguousAnswer(SourceError):
    """Several different values were found where one was asked for."""

    code = "ambiguous"

    def __init__(self, token: str, count: int, message: str = "") -> None:
        self.token = token
        self.count = count
        super().__init__(
            message
            or f"The source found {count} values for {{{{{token}}}}} where one was asked for, so "
            "there may be several invoices with that number. Make its path narrower."
        )


class AuthenticationFailed(SourceError):
    """The source issued no access token or session.

    ``connect_again`` means that another attempt would fail too: a person must connect the
    integration again, or type a new refresh token.
    """

    code = "sign-in-failed"
    default_message = (
        "Authentication failed at the source. The secrets may be mistyped or expired: "
        "type them again, or connect the integration again."
    )

    def __init__(self, public_message: str | None = None, *, connect_again: bool = False) -> None:
        self.connect_again = connect_again
        super().__init__(public_message)


class StillWorking(SourceError):
    """``repeat_until`` ran out: the source was asked as often as configured and is not ready."""

    code = "still-working"
    status = 504
    default_message = (
        "The source is still working on the document. Try again in a minute, "
        "or let the step ask more often."
    )


class SourcePaused(SourceError):
    """The breaker is open: after repeated failures no request is sent for a while."""

    code = "source-paused"
    status = 503
    default_message = (
        "The source failed several times in a row and is left alone for a moment. "
        "It is tried again automatically."
    )


class NotADocument(SourceError):
    """The response isn't a document of a kind that the command accepts."""

    code = "not-a-document"
    default_message = "The source responded, but not with a document of an accepted kind."


class WebPageInstead(NotADocument):
    """A web page came where a document was expected."""

    code = "web-page-instead"
    default_message = (
        "A web page, perhaps a login page, came instead of the document. "
        "The address probably needs a key rather than a browser's login."
    )


class EmptyAnswer(NotADocument):
    """The response has no body."""

    code = "empty-answer"
    default_message = "The source's response is empty where a document was expected."


def denied(verdict: Verdict, place: DeniedPlace | None = None) -> EgressDenied | SourceRedirected:
    """Return the error to raise for a denial: the policy's, or a redirect's own."""
    if verdict.allowed:
        raise ValueError("an allowed request is no error")
    if verdict.reason in _REDIRECT_REASONS:
        return SourceRedirected(verdict.message, verdict=verdict)
    return EgressDenied(verdict, verdict.message, place=place)


def reason_of(error: BillhookError) -> str:
    """Return the reason that refines the error's code: a verdict, a phase, a status; or nothing."""
    match error:
        case EgressDenied():
            return error.verdict.reason
        case SourceRedirected(verdict=verdict) if verdict is not None:
            return verdict.reason
        case SourceTimeout():
            return error.phase
        case SourceRefused() | SourceStatus():
            return str(error.http_status)
        case ConfigurationError() | TokenError():
            return error.problems[0].code
        case _:
            return ""
