"""The result of Try it: the request as it would be sent, the verdict, the time and the facts."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from billhook.engine.command.person import NamedPerson
from billhook.engine.egress.url import Origin
from billhook.engine.errors import BillhookError, EgressDenied, PaymentLinkRefused, Problem
from billhook.engine.http.trace import Attempt
from billhook.engine.tokens.masking import mask
from billhook.portal.accounts.models import User
from billhook.portal.documents.viewer import ShownDocument
from billhook.portal.editor.form import EditorForm
from billhook.portal.editor.form_fields import find_field
from billhook.portal.editor.row_views import problems_in
from billhook.portal.installation import environment
from billhook.portal.integrations.policy import egress_policy
from billhook.portal.integrations.remedy import advice_for_operator, denied_address
from billhook.portal.payments.payment_link import PaymentPage
from billhook.portal.trying.observation import Observed, text_of, title_of
from billhook.portal.trying.places import look_at
from billhook.portal.trying.preset_advice import look_for_preset, preset_of, sentence_for_preset
from billhook.portal.trying.trial import Sent, Trial

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
    """One phase of an attempt, with its position in the bar."""

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
class TryResult:
    """The verdict in a sentence, what to do next, and the field to look at.

    ``step`` is the request that failed, where there are several. ``source_reason`` is the source's
    own sentence. ``remedy`` is for owners: what they pass on to the operator.
    """

    is_good: bool
    sentence: str
    source_reason: str = ""
    remedy: str = ""
    step: str = ""
    next_step: str = ""
    field: str = ""
    field_label: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResponseFacts:
    """The raw facts of a response. If ``excerpt`` is None, ``why`` explains why it isn't shown."""

    status: int
    header_names: tuple[str, ...]
    size: int
    excerpt: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """A remark that blocks nothing, and the button that applies its suggestion."""

    message: str
    suggestion: str
    use: str


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


def verdict_of(
    sent: Sent, shown: ShownDocument | None, form: EditorForm, *, meant: User | None = None
) -> TryResult:
    """Return the result of a test in a sentence, and the field of *form* to check.

    *meant* is the contact who would be signed in, for LoginWithToken.
    """
    if sent.person is not None:
        return _verdict_of_person(sent, sent.person, meant)
    if sent.payment_page is not None:
        return _verdict_of_link(sent, sent.payment_page)
    if sent.error is None:
        return TryResult(is_good=True, sentence=_success(sent, shown))
    preset = preset_of(form)
    if preset is None:
        look = look_at(sent.error, sent.trial, form)
    else:
        look = look_for_preset(sent.error, sent.trial, form, preset)
    return TryResult(
        is_good=False,
        sentence=_failure(sent, sent.error, is_preset=preset is not None),
        source_reason=_source_reason(sent, sent.error),
        remedy=advice_for_operator(sent.error),
        step="" if preset else _step_that_failed(sent, sent.error),
        next_step=look.advice,
        field=look.field.id if look.field else "",
        field_label=look.field.label if look.field else "",
    )


def _verdict_of_person(sent: Sent, person: NamedPerson, meant: User | None) -> TryResult:
    time = _duration(sent.milliseconds)
    if meant is not None:
        who = f"{meant.name}, {meant.email}" if meant.name else meant.email
        sentence = f"This token would sign {who} in. It took {time}. Nobody has been signed in."
        return TryResult(is_good=True, sentence=sentence)
    if not person.contact_id and not person.email:
        return TryResult(
            is_good=False,
            sentence="The response names nobody.",
            next_step="Billhook looks for $.ContactId and $.ContactEmail. If they are elsewhere, "
            "extract a value with the name ContactId or ContactEmail.",
        )
    return TryResult(
        is_good=False,
        sentence="The response names somebody who can't be signed in: no contact of yours, one "
        "who is blocked, or a member.",
        next_step="Compare it with the contacts of your customers.",
    )


def _verdict_of_link(sent: Sent, page: PaymentPage) -> TryResult:
    url = mask(page.url, sent.hidden) if _may_show_origins(sent) else page.host
    sentence = (
        f"Pay leads to {url}. {page.host} is one of the payment page hosts. "
        f"It took {_duration(sent.milliseconds)}."
    )
    return TryResult(is_good=True, sentence=sentence)


def _step_that_failed(sent: Sent, error: BillhookError) -> str:
    """Return the name of the request that failed, if there are several."""
    command = sent.trial.command
    is_one_of_several = command is not None and len([*command.all_steps]) > 1
    return error.step if is_one_of_several else ""


def _success(sent: Sent, shown: ShownDocument | None) -> str:
    time = _duration(sent.milliseconds)
    if shown is None or not shown.page_count:
        return f"Your customers will get this document. It took {time}."
    pages = "1 page" if shown.page_count == 1 else f"{shown.page_count} pages"
    return f"This is the document that your customers will see: {pages}, {time}."


def _duration(milliseconds: float) -> str:
    """Return a time as people say it: ``7 ms``, ``1.2 s``."""
    is_short = milliseconds < _SECOND
    return f"{milliseconds:.0f} ms" if is_short else f"{milliseconds / _SECOND:.1f} s"


def _failure(sent: Sent, error: BillhookError, *, is_preset: bool) -> str:
    if error.code == "web-page-instead" and sent.observed is not None:
        text = _shown_text(sent, sent.observed)
        title = title_of(text) if text else ""
        if title:
            return (
                f"The source returned a web page with the title “{title}” instead of the document. "
                "The address probably needs a key rather than a browser's login."
            )
    if isinstance(error, EgressDenied):
        address = denied_address(error, may_show_response=_may_show_origins(sent))
        return f"{error.public_message} {mask(address, sent.hidden)}"
    if isinstance(error, PaymentLinkRefused) and error.place and _may_show_origins(sent):
        place = mask(f"{error.place.host}:{error.place.port}", sent.hidden)
        return f"{error.public_message} The link leads to {place}."
    return sentence_for_preset(error) if is_preset else error.public_message


def _may_show_origins(sent: Sent) -> bool:
    """Return whether an address out of a redirect or a response may be shown.

    The responses to requests of the authentication aren't observed: their origins count, too.
    """
    origins = sent.trial.command.origins if sent.trial.command else frozenset()
    compiled = sent.trial.compiled
    if compiled is not None and compiled.authentication is not None:
        origins |= compiled.authentication.origins
    is_hidden = not environment.current().show_private_answers and any(
        is_private(origin, sent) for origin in origins
    )
    return sent.shows_text and not is_hidden


def _source_reason(sent: Sent, error: BillhookError) -> str:
    """Return the source's own reason, for those who may read its response."""
    if sent.observed is not None:
        is_shown = _may_show(sent, sent.observed)
    else:
        is_shown = _may_show_origins(sent)
    return mask(error.source_reason, sent.hidden) if is_shown else ""


def facts_of(sent: Sent) -> ResponseFacts | None:
    """Return the facts of the last response, if there is one."""
    observed = sent.observed
    if observed is None:
        return None
    secrets = sent.hidden
    excerpt = _shown_text(sent, observed) if sent.error is not None else None
    return ResponseFacts(
        status=observed.status,
        header_names=tuple(mask(name, secrets) for name in observed.header_names),
        size=observed.size,
        excerpt=excerpt,
        why="" if excerpt is not None else _why_not(sent, observed),
    )


def _shown_text(sent: Sent, observed: Observed) -> str | None:
    return text_of(observed, sent.hidden) if _may_show(sent, observed) else None


def may_show_list(trial: Trial) -> bool:
    """Return whether the fields of a list's response may be shown to the member."""
    if environment.current().show_private_answers:
        return True
    policy = egress_policy(trial.member.organisation_id)
    origins = trial.command.origins if trial.command else ()
    return not any(policy.allowance(each.host, each.port) is not None for each in origins)


def _may_show(sent: Sent, observed: Observed) -> bool:
    is_hidden = is_private(observed.origin, sent) and not environment.current().show_private_answers
    return sent.shows_text and not is_hidden


def is_private(origin: Origin, sent: Sent) -> bool:
    """Return whether only the operator's allowance makes *origin* reachable for this member."""
    policy = egress_policy(sent.trial.member.organisation_id)
    return policy.allowance(origin.host, origin.port) is not None


def _why_not(sent: Sent, observed: Observed) -> str:
    if sent.error is None:
        return "The document is shown above."
    if observed.size == 0:
        return "The response was empty."
    if is_private(observed.origin, sent) and not environment.current().show_private_answers:
        return (
            "The text is not shown, because it comes from a private system. The operator can "
            "allow that with BILLHOOK_SHOW_PRIVATE_ANSWERS."
        )
    if not sent.shows_text:
        return "The text is not shown, because this request or one before it extracts a secret."
    return "The response is not text."


def preview_problems(form: EditorForm, trial: Trial) -> dict[str, Any]:
    """Return the missing values and the notes for the preview, each with its remedy."""
    return {
        "known_values": trial.subject.known(),
        "trial_mistakes": problems_in(form, trial.problems, of_try=True).all,
        "notes": [
            Note(
                message=note.message,
                suggestion=note.suggestion or "",
                use=_remedy(note, form),
            )
            for note in (trial.command.notes if trial.command else ())
        ],
    }


def _remedy(note: Problem, form: EditorForm) -> str:
    field = find_field(form, note.where)
    if note.code != "no-content-type" or not note.suggestion or field is None:
        return ""
    step = field.id.removesuffix("-body")
    return f"content-type:{step}:{note.suggestion}"
