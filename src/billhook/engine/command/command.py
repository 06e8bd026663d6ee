"""A compiled command: its steps, the requests that they make, and what a caller has to give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from billhook.engine.command.preview import MaskedRequest
from billhook.engine.command.step import Step
from billhook.engine.egress.url import Origin
from billhook.engine.errors import Problem, TokenError
from billhook.engine.http.request import Limits
from billhook.engine.record import new_run_id
from billhook.engine.secret import Secret
from billhook.engine.tokens.catalogue import Value, nearest
from billhook.engine.tokens.template import unfit_message
from billhook.engine.tokens.values import Given, UnfitValue, Values, take_value

MAX_UNKNOWN: Final = 20
"""The most names without a token that are reported one by one."""
_NO_SECRETS: Final[Mapping[str, Secret]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command, compiled once and used many times.

    ``tokens`` are those that a caller must give, since the texts use them; ``known_tokens`` are
    all that a caller may give. ``secrets`` are the names of the secrets used, and
    ``secret_origins`` lists where each of them is sent. ``notes`` are remarks that prevent nothing.
    """

    name: str
    steps: tuple[Step, ...]
    tokens: tuple[str, ...]
    known_tokens: frozenset[str]
    own_names: frozenset[str]
    system_tokens: frozenset[str]
    secrets: frozenset[str]
    secret_origins: Mapping[str, frozenset[Origin]]
    limits: Limits
    redirects: str
    accept: tuple[str, ...]
    notes: tuple[Problem, ...] = ()

    @property
    def all_steps(self) -> Iterator[Step]:
        """All steps, also those that are sent only when another finds nothing."""
        for step in self.steps:
            yield from step.with_inner

    @property
    def origins(self) -> frozenset[Origin]:
        """All origins that the command's own requests go to."""
        return frozenset(step.origin for step in self.all_steps if step.origin is not None)

    @property
    def signed_origins(self) -> frozenset[Origin]:
        """The origins whose requests are authenticated."""
        signed = (step.origin for step in self.all_steps if step.authenticate)
        return frozenset(origin for origin in signed if origin is not None)

    def values(
        self,
        tokens: Mapping[str, Value],
        *,
        secrets: Mapping[str, Secret] = _NO_SECRETS,
        run_id: str | None = None,
    ) -> Values:
        """Check what the caller gives and make it ready to fill.

        Raises TokenError with every name that is unknown or missing, and every value that can't
        be sent at all. *run_id* fills ``{{RunId}}``; without one, a new id is made.
        """
        try:
            given = {name: take_value(tokens[name]) for name in self.tokens}
            holds_secret = any(value.secret for value in given.values())
            for name in self.secrets:
                given[name] = take_value(secrets[name])
        except (KeyError, UnfitValue):
            raise TokenError(tuple(self._problems(tokens, secrets))) from None
        if not self.known_tokens.issuperset(tokens):
            raise TokenError(tuple(self._problems(tokens, secrets)))
        if self.system_tokens:
            self._add_system_tokens(given, run_id)
        return Values(given, holds_secret_tokens=holds_secret)

    def _problems(
        self, tokens: Mapping[str, Value], secrets: Mapping[str, Secret]
    ) -> Iterator[Problem]:
        """Give every problem of what the caller gives, once there is one."""
        yield from self._name_problems(tokens, secrets)
        for names, source in ((self.tokens, tokens), (self.secrets, secrets)):
            for name in names:
                if name in source:
                    try:
                        take_value(source[name])
                    except UnfitValue as unfit:
                        yield _unfit(name, unfit)

    def _name_problems(
        self, tokens: Mapping[str, Value], secrets: Mapping[str, Secret]
    ) -> list[Problem]:
        problems: list[Problem] = []
        if not self.known_tokens.issuperset(tokens):
            problems += self._unknown_names(tokens)
        problems += [
            _missing(name, "missing-token", "No value was given for the token")
            for name in self.tokens
            if name not in tokens
        ]
        problems += [
            _missing(name, "missing-secret", "No value is stored for the secret")
            for name in sorted(self.secrets)
            if name not in secrets
        ]
        return problems

    def _unknown_names(self, tokens: Iterable[str]) -> Iterator[Problem]:
        unknown = [name for name in tokens if name not in self.known_tokens]
        for name in unknown[:MAX_UNKNOWN]:
            yield self._unknown(name)
        if len(unknown) > MAX_UNKNOWN:
            message = f"{len(unknown) - MAX_UNKNOWN:,} more values were given for unknown tokens."
            yield Problem(code="unknown-token", message=message, where="tokens")

    def _unknown(self, name: str) -> Problem:
        if name in self.own_names:
            return Problem(
                code="reserved-name",
                message=(
                    f"{{{{{name}}}}} is a variable or secret of the integration, or made by "
                    "Billhook: no value can be given for it here."
                ),
                where=f"tokens.{name}",
            )
        near = nearest(name, self.known_tokens)
        advice = f"Did you mean {near}?" if near else "The command has no such token."
        return Problem(
            code="unknown-token",
            message=f"A value was given for {name}, which is no token of {self.name}. {advice}",
            where=f"tokens.{name}",
            suggestion=near,
        )

    def _add_system_tokens(self, given: dict[str, Given], run_id: str | None) -> None:
        made = {
            "RunId": run_id or new_run_id(),
            "Timestamp": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }
        for name in self.system_tokens:
            given[name] = take_value(made[name])

    def preview(self, values: Values) -> tuple[MaskedRequest, ...]:
        """Return all requests as they would be sent, for people: secrets are masked.

        What is only known from a response is shown as ``‹Find.Id›``. Steps that are sent only when
        another finds nothing follow it.
        """
        return tuple(_shown(self.steps, values))


def _shown(steps: Iterable[Step], values: Values, after: str = "") -> Iterator[MaskedRequest]:
    for step in steps:
        values = step.derived(values)
        yield replace(step.preview(values), only_after=after)
        yield from _shown(step.on_not_found, values, after=step.name)


def _missing(name: str, code: str, what: str) -> Problem:
    return Problem(code=code, message=f"{what} {name}.", where=f"tokens.{name}")


def _unfit(name: str, unfit: UnfitValue) -> Problem:
    return Problem(
        code=unfit.code, message=unfit_message(name, unfit.reason), where=f"tokens.{name}"
    )
