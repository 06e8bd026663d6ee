"""The outcomes of runs that aren't errors, and a sentence for each outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from billhook.engine.errors import (
    AuthenticationFailed,
    BillhookError,
    ConfigurationError,
    DocumentNotFound,
    EgressDenied,
    NoFiles,
    NoPaymentLink,
    NoRoom,
    PaymentLinkRefused,
    SourceRefused,
    SourceStatus,
    SourceTimeout,
    SourceTlsFailed,
    SourceTooSlow,
    SourceUnreachable,
    TokenError,
)
from billhook.engine.reasons.refusal import REFUSAL_MESSAGES

CANCELLED = "cancelled"
FAULT = "internal-error"
NO_INTEGRATION = "no-integration"
KEPT = "kept"
UNCHANGED = "unchanged"
SHARED = "shared"
PLAIN_RENDERING = "plain-rendering"
"""These four go with the outcome ``ok``: how the run got the document."""
_SENTENCES = {
    "ok": "The document was delivered.",
    CANCELLED: "Cancelled before the document arrived, because the requester left.",
    FAULT: "Something went wrong inside Billhook. The log shows where; please report it.",
    "configuration": "The command can't be used as it is configured. Open the integration and try "
    "it: each problem is shown at its field.",
    "token": "A token's value was missing or invalid for its slot.",
    "egress-denied": "The operator's egress policy does not allow the address.",
    "source-too-large": "The source's response is larger than the command's limit.",
    "bad-json": "The request body wasn't JSON, or contained a name twice. Nothing was sent.",
    "bad-body": 'The request body was JSON, but not {"tokens": {…}} with simple values. '
    "Nothing was sent.",
    "not-json": "The request body was compressed, or not declared as application/json. "
    "Nothing was sent.",
    "body-too-large": "The request body was larger than 64 KB. Nothing was sent.",
    "body-too-slow": "The request body did not arrive in time. Nothing was sent.",
}
_WORDS = {KEPT: "Stored copy", UNCHANGED: "Unchanged", SHARED: "Shared", PLAIN_RENDERING: "Summary"}
_REASONS = REFUSAL_MESSAGES | {
    KEPT: "A stored copy was shown. The source was not contacted.",
    UNCHANGED: "The source confirmed that the stored copy is still current, so it was shown.",
    SHARED: "Another click was already fetching the same document. Both received it.",
    PLAIN_RENDERING: "No source returned the document. A summary of the record was shown.",
    "server-stopped": "The server stopped before the document arrived. Try again.",
    NO_INTEGRATION: "No enabled integration has the command. Add one, or enable one.",
    "missing-secret": "A secret of the command can't be read. Type it again.",
}

_BY_STATUS: Final[dict[str, Callable[[int], BillhookError]]] = {
    SourceRefused.code: SourceRefused,
    SourceStatus.code: SourceStatus,
    DocumentNotFound.code: DocumentNotFound,
}
_BY_REASON: Final[dict[str, Callable[[str], BillhookError]]] = {
    SourceTimeout.code: lambda phase: SourceTimeout(phase or "whole"),
    SourceTooSlow.code: lambda phase: SourceTimeout(phase or "whole"),
    SourceUnreachable.code: SourceUnreachable,
    SourceTlsFailed.code: SourceTlsFailed,
    PaymentLinkRefused.code: PaymentLinkRefused,
}
"""Errors whose sentence depends on the reason."""
SAYS_NOTHING: Final = frozenset(
    {CANCELLED, FAULT, TokenError.code, NoRoom.code, NoFiles.code}
    | {"bad-json", "bad-body", "not-json", "body-too-large", "body-too-slow"}
)
"""Outcomes of runs that don't show whether the source works."""
_SOURCE_NOT_ASKED: Final = frozenset({KEPT, SHARED, PLAIN_RENDERING})
SOURCE_WORKS: Final = frozenset({"ok", DocumentNotFound.code, NoPaymentLink.code})
"""Outcomes of a source that works; it needn't have every document."""
_REFUSED: Final = frozenset({SourceRefused.code, AuthenticationFailed.code})
_NEEDS_MEMBER: Final = _REFUSED | {
    SourceTlsFailed.code,
    EgressDenied.code,
    ConfigurationError.code,
    PaymentLinkRefused.code,
}


def tells_about_source(outcome: str, reason: str) -> bool:
    """Return whether a run shows if its source works: not if that wasn't asked, or we failed."""
    return outcome not in SAYS_NOTHING and reason not in _SOURCE_NOT_ASKED


def source_works(outcome: str) -> bool:
    """Return whether *outcome* is a source's that works; it needn't have every document."""
    return outcome in SOURCE_WORKS


def needs_member(outcome: str, reason: str) -> bool:
    """Return whether a member must change an integration: trying again gives the same result."""
    return outcome in _NEEDS_MEMBER and reason != NO_INTEGRATION


def credentials_refused(outcome: str) -> bool:
    """Return whether a source refused the credentials that were sent."""
    return outcome in _REFUSED


def word_of_success(reason: str) -> str:
    """Return how a run with the outcome ``ok`` and this *reason* got its document, briefly."""
    return _WORDS.get(reason, "Worked")


def sentence_of(outcome: str, reason: str) -> str:
    """Return the meaning of *outcome* with its *reason*, for members."""
    if reason in _REASONS:
        return _REASONS[reason]
    if outcome in _SENTENCES:
        return _SENTENCES[outcome]
    if outcome in _BY_STATUS and reason.isdecimal():
        return _BY_STATUS[outcome](int(reason)).public_message
    if outcome in _BY_REASON:
        return _BY_REASON[outcome](reason).public_message
    known = {error.code: error.default_message for error in _errors(BillhookError)}
    return known.get(outcome) or "The source failed to return the document."


def _errors(root: type[BillhookError]) -> Iterator[type[BillhookError]]:
    for error in root.__subclasses__():
        if hasattr(error, "code"):
            yield error
        yield from _errors(error)
