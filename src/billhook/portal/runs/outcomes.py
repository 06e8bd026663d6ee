"""The outcomes of runs that aren't errors, and a sentence for each outcome."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from billhook.engine.errors import (
    AuthenticationFailed,
    BillhookError,
    DocumentNotFound,
    NoRoom,
    SourceRefused,
    SourceStatus,
    SourceTimeout,
    TokenError,
)

CANCELLED = "cancelled"
FAULT = "internal-error"
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
_REASONS = {
    KEPT: "A stored copy was shown. The source was not contacted.",
    UNCHANGED: "The source confirmed that the stored copy is still current, so it was shown.",
    SHARED: "Another click was already fetching the same document. Both received it.",
    PLAIN_RENDERING: "No source returned the document. A summary of the record was shown.",
    "server-stopped": "The server stopped before the document arrived. Try again.",
    "no-integration": "No enabled integration has the command. Add one, or enable one.",
    "missing-secret": "A secret of the command can't be read. Type it again.",
}

_SAYS_NOTHING: Final = frozenset(
    {CANCELLED, FAULT, TokenError.code, NoRoom.code}
    | {"bad-json", "bad-body", "not-json", "body-too-large", "body-too-slow"}
)
_SOURCE_NOT_ASKED: Final = frozenset({KEPT, SHARED, PLAIN_RENDERING})
_SOURCE_WORKS: Final = frozenset({"ok", DocumentNotFound.code})
_REFUSED: Final = frozenset({SourceRefused.code, AuthenticationFailed.code})


def tells_about_source(outcome: str, reason: str) -> bool:
    """Return whether a run shows if its source works: not if that wasn't asked, or we failed."""
    return outcome not in _SAYS_NOTHING and reason not in _SOURCE_NOT_ASKED


def source_works(outcome: str) -> bool:
    """Return whether *outcome* is a source's that works; it needn't have every document."""
    return outcome in _SOURCE_WORKS


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
    match outcome:
        case "source-timeout" | "source-too-slow":
            return SourceTimeout(reason or "whole").public_message
        case "source-refused" if reason.isdecimal():
            return SourceRefused(int(reason)).public_message
        case "source-status" if reason.isdecimal():
            return SourceStatus(int(reason)).public_message
    known = {error.code: error.default_message for error in _errors(BillhookError)}
    return known.get(outcome) or "The source failed to return the document."


def _errors(root: type[BillhookError]) -> Iterator[type[BillhookError]]:
    for error in root.__subclasses__():
        if hasattr(error, "code"):
            yield error
        yield from _errors(error)
