"""A compiled command: its steps, the requests that they make, and what a caller has to give."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from billhook.engine.config import CommandConfig
from billhook.engine.errors import Problem, TokenError
from billhook.engine.record import new_run_id
from billhook.engine.secret import Secret
from billhook.engine.template import Shown, ShownPiece, Template, misfit_message
from billhook.engine.tokens import Value, nearest
from billhook.engine.url import DEFAULT_PORTS
from billhook.engine.values import Given, UnfitValue, Values, take_value

_NO_SECRETS: Final[Mapping[str, Secret]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where a request goes: scheme, host (ASCII; IPv6 without brackets) and port (RFC 6454)."""

    scheme: str
    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        default = self.port == DEFAULT_PORTS.get(self.scheme)
        return f"{self.scheme}://{host}" if default else f"{self.scheme}://{host}:{self.port}"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class WebRequest:
    """A step with its tokens filled: exactly what is sent.

    ``url`` is ASCII, with the path as configured; ``target`` is path and query as on the wire.
    ``sign_in`` says that the integration's credentials may be added, ``repeatable`` that sending it
    twice does no harm. ``complete``, if there is one, makes the rest of it out of the session's
    values: only the step, the method and the origin count until then.
    """

    step: str
    method: str
    url: str
    origin: Origin
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes | None
    carries_secret: bool
    sign_in: bool = True
    repeatable: bool = False
    complete: Callable[[Mapping[str, Given]], WebRequest] | None = field(
        default=None, compare=False
    )

    def __repr__(self) -> str:
        return f"WebRequest(step={self.step!r}, method={self.method!r}, origin='{self.origin}')"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one command may take: times in seconds, sizes in bytes.

    ``timeout`` covers the whole command, from the first lookup to the last byte. ``read_timeout``
    is the longest silence. Over each ``throughput_window`` at least ``least_throughput`` bytes a
    second have to come. A repeatable request is repeated ``retries`` times at most.
    """

    timeout: float
    max_bytes: int
    connect_timeout: float = 10.0
    lookup_timeout: float = 5.0
    read_timeout: float = 30.0
    least_throughput: int = 500
    throughput_window: float = 10.0
    retries: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedRequest:
    """A filled request for people: values are in it, secrets are masked."""

    step: str
    method: str
    url: Shown
    headers: tuple[tuple[str, Shown], ...]
    body: Shown | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One compiled request. Its origin is fixed; the rest is filled.

    ``tokens`` and ``secrets`` are the names that it uses. ``body`` is None where the method takes
    no body.
    """

    name: str
    method: str
    origin: Origin
    site: str
    url: Template
    headers: tuple[tuple[str, Template], ...]
    body: Template | None
    tokens: tuple[str, ...]
    secrets: frozenset[str]

    def fill(self, values: Values) -> WebRequest:
        """Return the request with *values* in it; raise TokenError with every misfit."""
        try:
            return self._fill(values)
        except UnfitValue:
            raise TokenError(tuple(self._problems(values))) from None

    def _fill(self, values: Values) -> WebRequest:
        url = self.url.fill(values)
        target = url[len(self.site) :]
        return WebRequest(
            step=self.name,
            method=self.method,
            url=url,
            origin=self.origin,
            target=target if target.startswith("/") else f"/{target}",
            headers=tuple([(name, value.fill(values)) for name, value in self.headers]),
            body=None if self.body is None else self.body.fill(values).encode(),
            carries_secret=bool(self.secrets) or values.holds_secret_tokens,
        )

    def _problems(self, values: Values) -> list[Problem]:
        templates = [self.url, *(value for _, value in self.headers)]
        if self.body is not None:
            templates.append(self.body)
        return [problem for template in templates for problem in template.problems(values)]

    def preview(self, values: Values) -> MaskedRequest:
        """Return the filled request for people; raise TokenError as :meth:`fill` does."""
        self.fill(values)
        return MaskedRequest(
            step=self.name,
            method=self.method,
            url=self.url.shown(values),
            headers=tuple((name, value.shown(values)) for name, value in self.headers),
            body=None if self.body is None else self.body.shown(values),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command, compiled once and used many times.

    ``tokens`` are those that a caller must give, since the texts use them; ``known_tokens`` are
    all that a caller may give. ``secrets`` are the names of the secrets used, and
    ``secret_origins`` tells where each of them is sent. ``notes`` are remarks that hinder nothing.
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

    @staticmethod
    def compile(
        config: CommandConfig,
        *,
        variables: Mapping[str, str] = MappingProxyType({}),
        secrets: Iterable[str] = (),
    ) -> Command:
        """Compile *config*; raise ConfigurationError with every mistake in it.

        *variables* are filled in now. *secrets* are the names that the integration has.
        """
        from billhook.engine.compiling import compile_command  # it makes what is defined here

        return compile_command(config, variables=variables, secrets=secrets)

    @property
    def origins(self) -> frozenset[Origin]:
        """All origins that the command's own requests go to."""
        return frozenset(step.origin for step in self.steps)

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
        problems = self._name_problems(tokens, secrets)
        given: dict[str, Given] = {}
        sources: tuple[tuple[Iterable[str], Mapping[str, Value]], ...] = (
            (self.tokens, tokens),
            (self.secrets, secrets),
        )
        for names, source in sources:
            for name in names:
                if name in source:
                    try:
                        given[name] = take_value(source[name])
                    except UnfitValue as unfit:
                        problems.append(_misfit(name, unfit))
        if problems:
            raise TokenError(tuple(problems))
        if self.system_tokens:
            self._add_system_tokens(given, run_id)
        holds_secret = any(given[name].secret for name in self.tokens)
        return Values(given, holds_secret_tokens=holds_secret)

    def _name_problems(
        self, tokens: Mapping[str, Value], secrets: Mapping[str, Secret]
    ) -> list[Problem]:
        problems = []
        if not self.known_tokens.issuperset(tokens):
            problems += [self._unknown(name) for name in tokens if name not in self.known_tokens]
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
        """Return all requests as they would be sent, for people: secrets are masked."""
        return tuple(step.preview(values) for step in self.steps)


def _missing(name: str, code: str, what: str) -> Problem:
    return Problem(code=code, message=f"{what} {name}.", where=f"tokens.{name}")


def _misfit(name: str, unfit: UnfitValue) -> Problem:
    return Problem(
        code=unfit.code, message=misfit_message(name, unfit.reason), where=f"tokens.{name}"
    )


__all__ = [
    "Command",
    "Limits",
    "MaskedRequest",
    "Origin",
    "Shown",
    "ShownPiece",
    "Step",
    "Values",
    "WebRequest",
]
