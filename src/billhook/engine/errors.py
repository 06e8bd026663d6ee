"""The engine's error tree: each has a stable code, a message that leaks nothing, and a status.

    BillhookError
    ├── ConfigurationError        problems in a file or a form: all of them, in ``problems``
    ├── TokenError                values that don't fit the command: all of them, in ``problems``
    ├── EgressDenied              the egress policy says no: the reason in ``verdict``
    ├── DocumentNotFound          the source says that it has no such document
    │   └── NoPaymentLink             it has no link to a payment page, or none any more
    ├── NoRoom                    this machine has no room for the response
    │   └── NoFiles                   this process may open no more files, so no connection either
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
        ├── SourceTooComplex          reading it takes more time or memory than it may
        ├── SourceEncoded             a content encoding that we didn't ask for
        ├── SourceSaidNo              the response itself says that it failed
        ├── MissingValue              a value that a later step needs isn't in the response
        ├── AmbiguousAnswer           several values where one was asked for
        ├── AuthenticationFailed              no access token or session could be had
        ├── StillWorking              the source didn't finish in the time that it was given
        ├── SourcePaused              it failed so often that it is left alone for a while
        ├── ListUnreadable            a page of a list, or one of its rows, isn't as expected
        ├── ListRepeats               a list gives the same page, token or URL again
        ├── ListTooLong               a list has more pages than it may
        ├── ListParked                a list goes on later, since the source wants us to wait
        ├── PaymentLinkRefused        a link to a payment page that nobody may be sent to
        └── NotADocument              a response, but not a document of an accepted kind
            ├── WebPageInstead            a web page, perhaps a login page
            └── EmptyAnswer               nothing at all

A ``public_message`` never has a URL, a value, a secret or another library's text, so it may appear
in an API response, a log line or a page. The one text of the source's own is ``source_reason``: it
is in no message, and only those who may read the source's response are shown it.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass
from typing import ClassVar, Final

from billhook.engine.reasons.refusal import REFUSAL_MESSAGES
from billhook.engine.reasons.tls_failure import tls_message
from billhook.engine.verdict import Verdict

_REDIRECT_REASONS: Final = frozenset({"downgrade", "redirect-invalid", "redirect-limit"})


URL, REDIRECT, RESPONSE = "url", "redirect", "response"
"""Origins of a denied address: the configured URL, a redirect, or an earlier response."""
_FORBIDDEN: Final = 403
_UNREACHABLE: Final = {
    "name-unknown": "The name of the source's host can't be found. Check its spelling in the "
    "address, and that the DNS of this server knows it.",
    "lookup-failed": "The name of the source's host could not be looked up, because the DNS of "
    "this server did not respond. Try again, or tell the administrator.",
    "refused": "The source's host refuses connections to this port. Check the port in the "
    "address, and that the system is running.",
    "proxy-unreachable": "The outgoing proxy of this server can't be reached. Tell the "
    "administrator.",
    "proxy-credentials": "The outgoing proxy of this server wants a user name and password, or "
    "doesn't accept those configured. Tell the administrator.",
    "proxy-denied": "The outgoing proxy of this server doesn't allow this address. Ask the "
    "administrator to allow it there.",
    "proxy-failed": "The outgoing proxy of this server got no connection to the source. Check the "
    "address, and that the system is running.",
    "no-route": "No way leads from this server to the source's host. Check the address, and that "
    "the networks are connected.",
}
"""Messages for the reasons why no connection could be made."""
PAYMENT_LINK_MESSAGES: Final = {
    "host-not-listed": "The source gave a link to a host that isn't among the payment page hosts, "
    "so nobody is sent there. If the host is right, add it to them.",
    "not-https": "The source gave a payment link that isn't https, so nobody is sent there. Have "
    "it give https links; http is accepted only at the source's own address, where the operator "
    "allows that host and port.",
}
"""Messages for the reasons why a payment link is refused."""
_NO_PLAIN_LINK: Final = (
    "The source gave a payment link that isn't one plain address, so nobody is sent there. "
    "Compare the path with the response."
)


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
    reason: str = ""
    """A word that refines the code: a verdict, a phase, a status; or nothing."""
    step: str = ""
    """The name of the step that failed, where a run has come so far."""
    source_reason: str = ""
    """The source's own sentence, if the step says where it is; see :class:`DeniedPlace`."""

    def __init__(self, public_message: str | None = None) -> None:
        self.public_message = public_message or self.default_message
        super().__init__(self.public_message)


class _Problems(BillhookError):
    """An error with all the problems found."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        if not problems:
            raise ValueError("an error of problems needs one at least")
        self.problems = problems
        self.reason = problems[0].code
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
    """The source responded that there is no such document.

    ``http_status`` is the status that says so, where nothing in the response does: a wrong address
    has it, too.
    """

    code = "document-not-found"
    status = 404
    exit_status = 3
    default_message = (
        "The source responded, but has no such document. "
        "Compare the invoice number with the one printed on the invoice."
    )

    def __init__(self, http_status: int | None = None) -> None:
        self.http_status = http_status
        self.reason = str(http_status or "")
        super().__init__(
            None
            if http_status is None
            else f"The source responded with status {http_status}: it has no such document, or the "
            "address is wrong. Compare the invoice number with the one printed on the invoice. "
            "If nothing has ever come from this address, check the address first."
        )


class NoPaymentLink(DocumentNotFound):
    """The source responded, but with no link to a payment page: it is missing or empty."""

    code = "no-payment-link"
    default_message = (
        "The source responded, but has no payment link for this invoice. It may be paid there "
        "already; otherwise, compare the path with the response."
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


class NoFiles(NoRoom):
    """This process may open no more files, so it can't connect to the source either."""

    code = "no-files"
    default_message = (
        "Too many connections are open on this machine, so the source was not contacted. "
        "Try again in a moment. If this continues, tell the administrator."
    )

    @staticmethod
    def explains(error: OSError) -> bool:
        """Return whether *error* says that this process, or the machine, may open no more files."""
        return error.errno in {errno.EMFILE, errno.ENFILE}


@dataclass(frozen=True, slots=True, kw_only=True)
class DeniedPlace:
    """The host and port that the egress policy denies. It is in no message: the reader decides."""

    host: str
    port: int


class EgressDenied(BillhookError):
    """The operator's egress policy doesn't allow this address. The reason is in ``verdict``.

    ``place`` is the host and port, where these are what is denied. ``came_from`` is where the
    address was: in the URL, in a redirect, or in a response.
    """

    code = "egress-denied"
    status = 502
    exit_status = 5

    def __init__(
        self,
        verdict: Verdict,
        public_message: str,
        *,
        place: DeniedPlace | None = None,
        came_from: str = URL,
    ) -> None:
        self.verdict = verdict
        self.reason = verdict.reason
        self.place = place
        self.came_from = came_from
        super().__init__(public_message)


class SourceError(BillhookError):
    """The source failed to give the document."""

    status = 502
    exit_status = 4


class SourceUnreachable(SourceError):
    """No connection could be made: the name is unknown, or it was refused, reset or not routed.

    ``reason`` is name-unknown, lookup-failed, refused, no-route or one about the outgoing proxy,
    where that is known.
    """

    code = "source-unreachable"
    default_message = (
        "No connection to the source could be made. Check the spelling of the address, "
        "and that the system is running and lets this server in."
    )

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__(_UNREACHABLE.get(reason))


class SourceTlsFailed(SourceError):
    """The TLS handshake failed, or the certificate isn't one that is trusted for this name.

    ``reason`` is one of :mod:`billhook.engine.reasons.tls_failure`, if it is known.
    """

    code = "source-tls-failed"
    default_message = tls_message("")

    def __init__(self, reason: str = "") -> None:
        self.reason = reason
        super().__init__(tls_message(reason))


class SourceTimeout(SourceError):
    """A time limit ran out.

    ``phase`` is one of lookup, connect, tls, headers, body, reading, whole.
    """

    code = "source-timeout"
    status = 504

    def __init__(self, phase: str, public_message: str | None = None) -> None:
        self.phase = self.reason = phase
        super().__init__(
            public_message
            or f"The source took too long ({phase}). Try again, or raise the command's time limit."
        )


class SourceTooSlow(SourceTimeout):
    """The response came, but slower than the least throughput."""

    code = "source-too-slow"


class SourceRefused(SourceError):
    """The source responded with 401 or 403.

    ``reason`` is one of :mod:`billhook.engine.reasons.refusal` if it wants other credentials.
    """

    code = "source-refused"

    def __init__(self, http_status: int, reason: str = "") -> None:
        self.http_status = http_status
        self.reason = reason or str(http_status)
        super().__init__(REFUSAL_MESSAGES.get(reason) or _refused(http_status))


def _refused(http_status: int) -> str:
    if http_status == _FORBIDDEN:
        return (
            "The source knows this key, but its user may not do this (status 403). Give that user "
            "the right to read invoices in the source. Some systems respond like this to a wrong "
            "key, too."
        )
    return (
        f"The source did not accept the credentials (status {http_status}). "
        "They may be mistyped, expired, or meant for another address."
    )


class SourceStatus(SourceError):
    """The source responded with a status that isn't a success."""

    code = "source-status"

    def __init__(self, http_status: int) -> None:
        self.http_status = http_status
        self.reason = str(http_status)
        super().__init__(f"The source responded with status {http_status}, which isn't a success.")


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
        self.reason = verdict.reason if verdict else ""
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


class SourceTooComplex(SourceError):
    """Reading the response takes more time or memory than one response may."""

    code = "source-too-complex"
    default_message = (
        "Reading the source's response takes too much time or memory. Ask the source for less, "
        "or name more of the way to the value in the command's paths."
    )


class SourceEncoded(SourceError):
    """The response came in a content encoding other than gzip."""

    code = "source-encoded"
    default_message = (
        "The source compressed its response in a way that Billhook doesn't read. "
        "Have it send the response as it is, or in gzip."
    )


class SourceSaidNo(SourceError):
    """The response doesn't meet the step's ``success_when``."""

    code = "source-said-no"
    default_message = (
        "The source responded, but the response itself says that it failed. "
        "Compare the conditions for success with the response."
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


class ListUnreadable(SourceError):
    """A page of a list isn't what its command expects, or one of its rows stops the run.

    ``row`` is the number of that row, or 0.
    """

    code = "list-unreadable"

    def __init__(self, reason: str, *, row: int = 0) -> None:
        self.row = row
        place = f"Row {row:,} of the list: " if row else "The list can't be read. "
        super().__init__(f"{place}{reason}")


class ListRepeats(SourceError):
    """A list gives the same page, token or URL again, so it would never end."""

    code = "list-repeats"
    default_message = (
        "The source repeats itself: a page, token or URL came for the second time, so the list "
        "would never end. Compare pages with what the system expects."
    )


class ListTooLong(SourceError):
    """A list has more pages than ``pages.max_pages``."""

    code = "list-too-long"

    def __init__(self, max_pages: int) -> None:
        self.max_pages = max_pages
        super().__init__(
            f"The list has more than {max_pages:,} pages. If that is right, raise max_pages or "
            "ask for more rows on each page."
        )


class ListParked(SourceError):
    """The source wants us to wait longer than a run may, so the list goes on later.

    ``seconds`` says in how many.
    """

    code = "list-parked"
    status = 503

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        super().__init__(
            "The source takes no more requests for now. The list goes on where it stopped, later."
        )


class PaymentLinkRefused(SourceError):
    """The source gave a link to a payment page that isn't allowed, so nobody is sent there.

    ``reason`` is host-not-listed, not-https or that of a flaw in the URL. ``place`` is its host and
    port, where it has them; as in :class:`EgressDenied`, it is in no message.
    """

    code = "payment-link-refused"

    def __init__(self, reason: str, *, place: DeniedPlace | None = None) -> None:
        self.reason = reason
        self.place = place
        super().__init__(PAYMENT_LINK_MESSAGES.get(reason, _NO_PLAIN_LINK))


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


def denied(
    verdict: Verdict, place: DeniedPlace | None = None, *, came_from: str = URL
) -> EgressDenied | SourceRedirected:
    """Return the error to raise for a denial: the policy's, or a redirect's own."""
    if verdict.allowed:
        raise ValueError("an allowed request is no error")
    if verdict.reason in _REDIRECT_REASONS:
        return SourceRedirected(verdict.message, verdict=verdict)
    return EgressDenied(verdict, verdict.message, place=place, came_from=came_from)
