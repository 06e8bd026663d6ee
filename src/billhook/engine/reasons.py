"""The finer word beside an error's code, the same in a run's record and in the gateway's answer."""

from __future__ import annotations

from billhook.engine.errors import (
    BillhookError,
    ConfigurationError,
    EgressDenied,
    SourceRedirected,
    SourceRefused,
    SourceStatus,
    SourceTimeout,
    TokenError,
)


def reason_of(error: BillhookError) -> str:
    """Return the finer word beside the error's code: a verdict, a phase, a status; or nothing."""
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
