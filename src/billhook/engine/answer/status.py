"""The meaning of a response's status, if nothing else is configured."""

from __future__ import annotations

from typing import Final

from billhook.engine.errors import (
    DocumentNotFound,
    SourceRedirected,
    SourceRefused,
    SourceStatus,
)
from billhook.engine.http_status import NOT_FOUND, REDIRECTS, REFUSED, SUCCESS

_PART: Final = 206  # nobody asked for a part: it can't be the whole document


def judge_status(status: int) -> None:
    """Raise the error that *status* means, unless it is a success."""
    if status in NOT_FOUND:
        raise DocumentNotFound(status)
    judge_failure(status)


def judge_failure(status: int) -> None:
    """Raise the error that *status* means, unless it is a success; 404 is one like any other."""
    if status in REFUSED:
        raise SourceRefused(status)
    if status in REDIRECTS:
        raise SourceRedirected(
            "The source sent us somewhere else, but this command doesn't follow. "
            "Use the address of the document itself, or let the command follow redirects."
        )
    if status not in SUCCESS or status == _PART:
        raise SourceStatus(status)
