"""What Try it shows: the request as it would be sent, then the verdict, the time and the facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from billhook.engine.errors import BillhookError, ConfigurationError, TokenError
from billhook.engine.trace import Attempt
from billhook.portal import environment
from billhook.portal.documents.showing import Shown
from billhook.portal.integrations.observing import Observed, mask, text_of, title_of
from billhook.portal.integrations.policy import egress_policy
from billhook.portal.integrations.trial import Sent

_PHASES: Final = (
    ("lookup", "Name lookup"),
    ("connect", "Connect"),
    ("tls", "TLS"),
    ("wait", "Wait"),
    ("receive", "Receive"),
)
_SECOND: Final = 1000
_WIDTH: Final = 1000
"""The width of the bar in its own units."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """One phase of an attempt, with its place in the bar."""

    kind: str
    label: str
    milliseconds: float
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Timed:
    """One attempt with its phases."""

    number: int
    step: str
    method: str
    status: int | None
    received_bytes: int
    milliseconds: float
    outcome: str
    phases: tuple[Phase, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The verdict in a sentence, what to do next, and the field to look at."""

    is_good: bool
    sentence: str
    next_step: str = ""
    field: str = ""
    field_label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The raw facts of an answer. Where ``excerpt`` is None it is not shown: ``why`` says why."""

    status: int
    header_names: tuple[str, ...]
    size: int
    excerpt: str | None
    why: str


def timed(attempts: Iterable[Attempt]) -> tuple[Timed, ...]:
    """Return the attempts of a run for people."""
    return tuple(
        timed_from(
            number=number,
            step=attempt.step,
            method=attempt.method,
            status=attempt.status,
            received_bytes=attempt.received_bytes,
            milliseconds=attempt.milliseconds,
            outcome=attempt.outcome,
            times={kind: getattr(attempt.timing, kind) for kind, _ in _PHASES},
        )
        for number, attempt in enumerate(attempts, start=1)
    )


def timed_from(
    *,
    number: int,
    step: str,
    method: str,
    status: int | None,
    received_bytes: int,
    milliseconds: float,
    outcome: str,
    times: dict[str, float | None],
) -> Timed:
    """Return one attempt with its phases laid side by side."""
    total = max(milliseconds, sum(time or 0.0 for time in times.values()), 0.001)
    phases: list[Phase] = []
    x = 0.0
    for kind, label in _PHASES:
        time = times.get(kind)
        if time is not None:
            width = time / total * _WIDTH
            phases.append(
                Phase(
                    kind=kind, label=label, milliseconds=time, x=round(x, 1), width=round(width, 1)
                )
            )
            x += width
    return Timed(
        number=number,
        step=step,
        method=method,
        status=status,
        received_bytes=received_bytes,
        milliseconds=milliseconds,
        outcome=outcome,
        phases=tuple(phases),
    )


def verdict_of(sent: Sent, shown: Shown | None) -> Verdict:
    """Return what came of a try in a sentence."""
    if sent.error is None:
        return Verdict(is_good=True, sentence=_success(sent, shown))
    id_, label, advice = _where_to_look(sent.error, sent.trial.command_id)
    return Verdict(
        is_good=False,
        sentence=_failure(sent, sent.error),
        next_step=advice,
        field=id_,
        field_label=label,
    )


def _success(sent: Sent, shown: Shown | None) -> str:
    time = _duration(sent.milliseconds)
    if shown is None or not shown.page_count:
        return f"This is the document that your customers will get. It took {time}."
    pages = "1 page" if shown.page_count == 1 else f"{shown.page_count} pages"
    return f"This is the document that your customers will see: {pages}, {time}."


def _duration(milliseconds: float) -> str:
    """Return a time as people say it: ``7 ms``, ``1.2 s``."""
    is_short = milliseconds < _SECOND
    return f"{milliseconds:.0f} ms" if is_short else f"{milliseconds / _SECOND:.1f} s"


def _failure(sent: Sent, error: BillhookError) -> str:
    if error.code == "web-page-instead" and sent.observed is not None:
        text = _shown_text(sent, sent.observed)
        title = title_of(text) if text else ""
        if title:
            return (
                f"A web page with the title “{title}” came instead of the document. "
                "The address probably needs a key rather than a browser's sign-in."
            )
    return error.public_message


_LOOK_AT: Final = {
    "document-not-found": ("url", "URL", "Compare the URL above with the one that works for you."),
    "source-refused": ("add-header", "Headers", "Look at the header that carries the secret."),
    "source-unreachable": ("url", "URL", "Check the address in the URL."),
    "source-tls-failed": ("url", "URL", "Check the address in the URL."),
    "egress-denied": ("url", "URL", "Change the address in the URL."),
    "source-redirected": ("redirects", "Redirects", "Look at the URL and the redirects."),
    "source-timeout": ("timeout", "Time limit", "Raise the time limit if it is slow by nature."),
    "source-too-slow": ("timeout", "Time limit", "Raise the time limit if it is slow by nature."),
    "source-too-large": ("max_bytes", "Most bytes", "Raise the most bytes that may come."),
    "source-status": ("url", "URL", "Look at the method, the URL and the body."),
    "not-a-document": ("accept", "Accepted types", "Look at the URL and the accepted types."),
    "web-page-instead": ("url", "URL", "Look at the URL, and at the header with the key."),
    "empty-answer": ("url", "URL", "Look at the method and the URL."),
}


def _where_to_look(error: BillhookError, command: str) -> tuple[str, str, str]:
    if isinstance(error, ConfigurationError | TokenError):
        return "", "", "Mend it in the form and try again."
    key, label, advice = _LOOK_AT.get(error.code, ("", "", ""))
    return (f"{command}-{key}" if key else ""), label, advice


def facts_of(sent: Sent) -> Facts | None:
    """Return the facts of the last answer, if one came."""
    observed = sent.observed
    if observed is None:
        return None
    secrets = tuple(sent.trial.secrets.values())
    excerpt = _shown_text(sent, observed) if sent.error is not None else None
    return Facts(
        status=observed.status,
        header_names=tuple(mask(name, secrets) for name in observed.header_names),
        size=observed.size,
        excerpt=excerpt,
        why="" if excerpt is not None else _why_not(sent, observed),
    )


def _shown_text(sent: Sent, observed: Observed) -> str | None:
    if _is_private(observed) and not environment.current().show_private_answers:
        return None
    return text_of(observed, sent.trial.secrets.values())


def _is_private(observed: Observed) -> bool:
    """Whether it is a system that only the operator's allowance opens."""
    origin = observed.origin
    return egress_policy().allowance(origin.host, origin.port) is not None


def _why_not(sent: Sent, observed: Observed) -> str:
    if sent.error is None:
        return "The document is shown above."
    if observed.size == 0:
        return "The answer was empty."
    if _is_private(observed) and not environment.current().show_private_answers:
        return (
            "The text is not shown, because it comes from a private system. The operator can "
            "allow that with BILLHOOK_SHOW_PRIVATE_ANSWERS."
        )
    return "The answer is not text."
