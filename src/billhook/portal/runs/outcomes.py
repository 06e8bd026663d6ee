"""The outcomes of runs: codes that are no error's, and a sentence for each."""

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
"""These four stand beside the outcome ``ok``: how the run came by the document."""
_SENTENCES = {
    "ok": "The document came and was passed on.",
    CANCELLED: "It was given up before the document was there: whoever asked went away.",
    FAULT: "Something went wrong inside Billhook. The log has the place; please report it.",
    "configuration": "The command can't be used as it is configured. Open the integration and try "
    "it: the mistake stands at its field.",
    "token": "A token's value was missing or unfit for its place.",
    "egress-denied": "The operator's egress policy does not allow the address.",
    "source-too-large": "The source's answer is larger than the command's limit.",
    "bad-json": "The body of the call was no JSON, or had a name twice. Nothing was sent.",
    "bad-body": 'The body of the call was JSON, but not {"tokens": {…}} with single values. '
    "Nothing was sent.",
    "not-json": "The body of the call was compressed, or not declared as application/json. "
    "Nothing was sent.",
    "body-too-large": "The body of the call was larger than 64 KB. Nothing was sent.",
    "body-too-slow": "The body of the call did not arrive in time. Nothing was sent.",
}
_WORDS = {KEPT: "Kept copy", UNCHANGED: "Unchanged", SHARED: "Shared", PLAIN_RENDERING: "Summary"}
_REASONS = {
    KEPT: "A kept copy was shown. The source was not asked.",
    UNCHANGED: "The source said that the kept copy is still the same, so that was shown.",
    SHARED: "Another click was fetching the same document at that moment. Both got it.",
    PLAIN_RENDERING: "No source gave the document. A summary from our own record was shown.",
    "server-stopped": "The server was stopped before the document was there. Try again.",
    "no-integration": "No integration that is on has the command. Add one, or switch one on.",
    "missing-secret": "A secret of the command has no readable value. Type it again.",
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
    """Return how a run with the outcome ``ok`` and this *reason* came by its document, briefly."""
    return _WORDS.get(reason, "Worked")


def sentence_of(outcome: str, reason: str) -> str:
    """Return what *outcome* with its *reason* means, for members."""
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
    return known.get(outcome) or "The source failed to give the document."


def _errors(root: type[BillhookError]) -> Iterator[type[BillhookError]]:
    for error in root.__subclasses__():
        if hasattr(error, "code"):
            yield error
        yield from _errors(error)
