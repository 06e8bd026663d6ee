"""The end of a source's own certificate, as its runs and syncs have seen it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from billhook.portal.runs.models import Run


def end_of_server_certificate(uses: Iterable[Run], *, listed: date | None) -> date | None:
    """Return the first day on which a certificate ends that the newest run of a command has seen.

    *uses* come newest first; *listed* is the day that the sync has seen. None if none ends soon.
    """
    newest: dict[str, Run] = {}
    for run in uses:
        if run.command not in newest and any(each["status"] for each in run.attempts):
            newest[run.command] = run
    ends = [] if listed is None else [listed]
    ends += [
        date.fromisoformat(each["certificate_ends"])
        for run in newest.values()
        for each in run.attempts
        if each.get("certificate_ends")
    ]
    return min(ends, default=None)


def sentence_about_server_certificate(end: date) -> str:
    """Return what *end* means, and what to do, as members read it."""
    return (
        f"The certificate of its server is valid until {end.day} {end:%B %Y}. After that, nothing "
        "is sent to it. Ask the source's operator to renew it."
    )
