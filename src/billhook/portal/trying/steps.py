"""The requests of a test: how each was sent, its response, and the values extracted from it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from billhook.engine.authentication.authenticator import STEP
from billhook.engine.command.command import Command
from billhook.engine.command.preview import MaskedRequest
from billhook.engine.command.step import Step
from billhook.engine.errors import TokenError
from billhook.engine.secret import MASK
from billhook.engine.tokens.masking import mask
from billhook.engine.tokens.values import Given, Values
from billhook.portal.installation import environment
from billhook.portal.trying.page import Timed, is_private, timed
from billhook.portal.trying.trial import Sent, with_signs

_SHOWN: Final = 200
"""Characters of a value that are shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A value that a step extracted or derived. ``text`` is None if it is hidden."""

    name: str
    text: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTried:
    """One request of a try. Without attempts it wasn't sent; authentication has no ``request``."""

    name: str
    request: MaskedRequest | None
    attempts: tuple[Timed, ...]
    taken: tuple[Taken, ...]
    has_failed: bool

    @property
    def milliseconds(self) -> float:
        """The total time of its attempts."""
        return sum(attempt.milliseconds for attempt in self.attempts)

    @property
    def status(self) -> int | None:
        """The status of its last response."""
        return self.attempts[-1].status if self.attempts else None


def steps_of(sent: Sent) -> tuple[StepTried, ...]:
    """Return the requests of *sent* in their order; nothing where one plain request is all."""
    command = sent.trial.command
    if command is None or not _is_of_several(command, sent):
        return ()
    return tuple(_steps(command, sent))


def _is_of_several(command: Command, sent: Sent) -> bool:
    names = {attempt.step for attempt in sent.attempts}
    return len([*command.all_steps]) > 1 or STEP in names or bool(_tokens(command.steps[0]))


def _steps(command: Command, sent: Sent) -> Iterator[StepTried]:
    attempts = timed(sent.attempts)
    failed = sent.error.step if sent.error else ""
    known = _shown_values(command, sent)
    own = tuple(each for each in attempts if each.step == STEP)
    if own:
        is_failed = failed == STEP
        yield StepTried(name=STEP, request=None, attempts=own, taken=(), has_failed=is_failed)
    for step, request in zip(command.all_steps, _requests(command, known, sent), strict=False):
        yield StepTried(
            name=step.name,
            request=request,
            attempts=tuple(each for each in attempts if each.step == step.name),
            taken=tuple(_taken(step, known, sent)),
            has_failed=failed == step.name,
        )


def _requests(command: Command, known: Values, sent: Sent) -> tuple[MaskedRequest, ...]:
    try:
        return with_signs(command.preview(known), sent.trial.compiled)
    except TokenError:  # a value from a response is invalid in its slot: that is the verdict
        return sent.trial.requests


def _shown_values(command: Command, sent: Sent) -> Values:
    """Return the values that may be shown: none from the responses of a private system.

    Derived values are left out, too: they are derived again from those that are left.
    """
    given = sent.values.given if sent.values else {}
    steps = [*command.all_steps]
    taken = {token for step in steps for token in _tokens(step)}
    left_out = {token for step in steps if _is_hidden(step, sent) for token in _tokens(step)}
    left_out |= {derive.token for step in steps for derive in step.derives}
    return Values(
        {
            name: _without_secrets(value, sent) if name in taken else value
            for name, value in given.items()
            if name not in left_out
        }
    )


def _without_secrets(given: Given, sent: Sent) -> Given:
    """Return a value from a response that may repeat what was sent, with secrets masked."""
    return given if given.text is None else given._replace(text=mask(given.text, sent.hidden))


def _is_hidden(step: Step, sent: Sent) -> bool:
    if environment.current().show_private_answers:
        return False
    return any(is_private(origin, sent) for origin in sent.origins.get(step.name, ()))


def _tokens(step: Step) -> tuple[str, ...]:
    """Return the tokens that *step* extracts from its response."""
    return tuple(each.token for each in step.reading.extracts) if step.reading else ()


def _taken(step: Step, known: Values, sent: Sent) -> Iterator[Taken]:
    is_hidden = _is_hidden(step, sent)
    everything = sent.values.given if sent.values else {}
    for token in _tokens(step):
        if token in everything:
            given = known.given.get(token)
            text = None if is_hidden or given is None else _text(given)
            yield Taken(name=token, text=text)


def _text(given: Given) -> str:
    text = "null" if given.text is None else given.text
    if given.secret:
        return MASK
    return f"{text[:_SHOWN]}…" if len(text) > _SHOWN else text
