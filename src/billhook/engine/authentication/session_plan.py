"""The requests that open a session, compiled like any steps, and the values of their responses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from billhook.engine.answer.conditions import Condition, compile_condition
from billhook.engine.command.command import Command
from billhook.engine.command.compile import compile_steps, make_scope
from billhook.engine.command.compile_step import compile_derive
from billhook.engine.command.derive import Derive
from billhook.engine.command.scope import SESSION, StepScopes, session_token_names
from billhook.engine.config import AuthenticationConfig, CommandConfig, ConditionConfig, StepConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import Problem
from billhook.engine.slots.header import compile_header
from billhook.engine.tokens.template import Template
from billhook.engine.tokens.text import Scope

MAX_REQUESTS: Final = 10
_WHERE: Final = "authentication"
_NOT_ALLOWED: Final = ("not_found_when", "on_not_found", "repeat_until", "answer")
_ALONE: Final = StepConfig(url="")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """A compiled session: the requests that open it, and the values of their responses.

    ``derives`` are values made from those. ``cookies`` says that the session consists of the
    cookies, too. ``refused`` are conditions under which a session has ended, in addition to the
    statuses 401 and 403. ``headers`` are added to every request. ``own_secrets`` are the secrets in
    headers and derived values.
    """

    command: Command
    derives: tuple[Derive, ...]
    cookies: bool
    refused: tuple[Condition, ...]
    headers: tuple[tuple[str, Template], ...]
    own_secrets: frozenset[str]

    @property
    def origins(self) -> frozenset[Origin]:
        """The origins of the requests that open the session."""
        return self.command.origins

    @property
    def secrets(self) -> frozenset[str]:
        """The names of all secrets that it uses."""
        return self.command.secrets | self.own_secrets


def compile_session(
    config: AuthenticationConfig,
    *,
    variables: Mapping[str, str],
    secrets: Iterable[str],
    scope: Scope,
) -> tuple[SessionPlan | None, list[Problem]]:
    """Compile the session of *config*, or return every problem in it."""
    if not config.requests:
        message = (
            "A session needs the request that opens it. Write [authentication.request] with a "
            "method, a URL and what to extract."
        )
        return None, [_missing("request", message)]
    base, _ = make_scope(variables, secrets, ())
    draft = _SessionDraft(config=config, scopes=StepScopes(base=base, session=frozenset()))
    draft.check_requests()
    draft.compile_requests()
    draft.compile_derives()
    draft.compile_refused()
    draft.compile_headers(scope)
    return draft.build(scope), draft.problems


def _missing(key: str, message: str) -> Problem:
    return Problem(code="missing-key", message=message, where=f"{_WHERE}.{key}")


@dataclass(slots=True, kw_only=True)
class _SessionDraft:
    """A session in progress, its methods in the order in which they are called."""

    config: AuthenticationConfig
    scopes: StepScopes
    command: Command | None = None
    derives: list[Derive] = field(default_factory=list)
    refused: list[Condition] = field(default_factory=list)
    headers: list[tuple[str, Template]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def places(self) -> list[str]:
        """The tables of the requests in a file."""
        requests = self.config.requests
        if len(requests) == 1:
            return [f"{_WHERE}.request"]
        return [f"{_WHERE}.requests[{index}]" for index in range(len(requests))]

    @property
    def keeps_cookies(self) -> bool:
        return self.config.fields.get("cookies") is True

    def check_requests(self) -> None:
        requests = self.config.requests
        if len(requests) > MAX_REQUESTS:
            message = f"A session may be opened with at most {MAX_REQUESTS} requests."
            self._report("too-many", message, f"{_WHERE}.requests")
        if not self.keeps_cookies and not any(request.extract for request in requests):
            message = (
                "Nothing is extracted from the response, so there is no session. "
                'Write, for example, extract = { Id = "$.sessionId" }, or cookies = true if the '
                "session is in cookies."
            )
            self._report("missing-key", message, f"{self.places[-1]}.extract")
        for request, place in zip(requests, self.places, strict=True):
            self.problems += _misplaced(request, place)
        self._check_names()

    def _check_names(self) -> None:
        """Refuse a name that two requests give: all their values are values of one session."""
        given: list[set[str]] = []
        for request in self.config.requests:
            derived = {each.name for each in request.derive}
            given.append(derived | {each.name for each in request.extract})
        given.append({each.name for each in self.config.derive})
        counts = Counter(name for names in given for name in names)
        for name in (name for name, count in counts.items() if count > 1):
            message = f"There are several values {{{{{SESSION}.{name}}}}}. Rename all but one."
            place = next(
                place
                for place, names in zip((*self.places[1:], _WHERE), given[1:], strict=True)
                if name in names
            )
            self._report("duplicate-name", message, f"{place}.{name}")

    def _report(self, code: str, message: str, where: str) -> None:
        self.problems.append(Problem(code=code, message=message, where=where))

    def compile_requests(self) -> None:
        """Compile the requests as the steps of a command whose values are all secret."""
        steps = tuple(_bare(request) for request in self.config.requests)
        config = CommandConfig(name=SESSION, steps=steps, redirects=self._redirects)
        self.command, problems = compile_steps(config, self.places, self.scopes)
        self.problems += problems

    @property
    def _redirects(self) -> str:
        return str(self.config.fields.get("redirects", "deny"))

    def compile_derives(self) -> None:
        for config in self.config.derive:
            where = f"{_WHERE}.derive.{config.name}"
            derive, problems = compile_derive(config, SESSION, where, self.scopes)
            self.problems += problems
            if derive is not None:
                self.derives.append(derive)

    def compile_refused(self) -> None:
        for index, config in enumerate(self.config.refused_when):
            self._take_condition(config, f"{_WHERE}.refused_when[{index}]")

    def _take_condition(self, config: ConditionConfig, where: str) -> None:
        """Compile a condition. No secret is compared with a response."""
        base = self.scopes.base
        scope = Scope(variables=base.variables, secrets=frozenset(), tokens=frozenset())
        condition, problems = compile_condition(config, where, scope)
        self.problems += problems
        if condition is not None:
            self.refused.append(condition)

    def compile_headers(self, scope: Scope) -> None:
        wider = replace(scope, tokens=session_token_names(self.config))
        for index, (name, value) in enumerate(self.config.headers):
            template, problems = compile_header(name, value, f"{_WHERE}.headers[{index}]", wider)
            self.problems += problems
            if template is not None:
                self.headers.append((name, template))

    def build(self, scope: Scope) -> SessionPlan | None:
        if self.command is None or self.problems:
            return None
        used = {name for _, template in self.headers for _, _, name in template.pieces}
        used |= {name for derive in self.derives for name in derive.uses}
        return SessionPlan(
            command=self.command,
            derives=tuple(self.derives),
            cookies=self.keeps_cookies,
            refused=tuple(self.refused),
            headers=tuple(self.headers),
            own_secrets=scope.secrets & used,
        )


def _misplaced(request: StepConfig, place: str) -> Iterable[Problem]:
    for key in _NOT_ALLOWED:
        if getattr(request, key):
            message = (
                f"{key} is not allowed in a request that opens a session, which is sent once and "
                "gives no document. Remove it."
            )
            yield Problem(code="misplaced-key", message=message, where=f"{place}.{key}")
    if request.name not in {"", SESSION}:
        message = (
            f"A request that opens a session has no name: its values are always "
            f"{{{{{SESSION}.Id}}}} and so on. Remove its name."
        )
        yield Problem(code="invalid-name", message=message, where=f"{place}.name")


def _bare(request: StepConfig) -> StepConfig:
    """Return *request* without what isn't allowed; a session gives access, so it is secret."""
    extract = tuple(replace(each, secret=True) for each in request.extract)
    nothing = {key: getattr(_ALONE, key) for key in _NOT_ALLOWED}
    return replace(request, name="", extract=extract, **nothing)
