"""The request that opens a session, compiled like any step, and the values of its response."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from billhook.engine.answer.conditions import Condition, compile_condition
from billhook.engine.answer.extract import Extract, compile_extract
from billhook.engine.command.command import Command
from billhook.engine.command.compile import compile_command
from billhook.engine.command.scope import SESSION, session_token_names
from billhook.engine.config import AuthenticationConfig, CommandConfig, ConditionConfig, StepConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.slots.header import compile_header
from billhook.engine.tokens.catalogue import NAME, NAME_RULE
from billhook.engine.tokens.template import Template
from billhook.engine.tokens.text import Scope

_REQUEST: Final = "authentication.request"
_NOT_ALLOWED: Final = ("not_found_when", "on_not_found", "repeat_until", "answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionPlan:
    """A compiled session: the request that opens it, and the values of its response.

    ``success`` must hold for the response. ``refused`` are conditions under which a session has
    ended, in addition to the statuses 401 and 403. ``headers`` are added to every request, and
    ``header_secrets`` are the secrets in them.
    """

    command: Command
    extracts: tuple[Extract, ...]
    success: tuple[Condition, ...]
    refused: tuple[Condition, ...]
    headers: tuple[tuple[str, Template], ...]
    header_secrets: frozenset[str]

    @property
    def origins(self) -> frozenset[Origin]:
        """The origins of the request that opens the session."""
        return self.command.origins

    @property
    def secrets(self) -> frozenset[str]:
        """The names of all secrets that it uses."""
        return self.command.secrets | self.header_secrets


def compile_session(
    config: AuthenticationConfig,
    *,
    variables: Mapping[str, str],
    secrets: Iterable[str],
    scope: Scope,
) -> tuple[SessionPlan | None, list[Problem]]:
    """Compile the session of *config*, or return every problem in it."""
    if config.request is None:
        message = (
            "A session needs the request that opens it. Write [authentication.request] with a "
            "method, a URL and what to extract."
        )
        return None, [Problem(code="missing-key", message=message, where=_REQUEST)]
    draft = _SessionDraft(
        scope=Scope(variables=scope.variables, secrets=frozenset(), tokens=frozenset())
    )
    draft.problems += _misplaced(config.request)
    draft.compile_extracts(config.request)
    draft.compile_conditions(config.request.success_when, f"{_REQUEST}.success_when", draft.success)
    draft.compile_conditions(config.refused_when, "authentication.refused_when", draft.refused)
    draft.compile_headers(config, scope)
    command = _compile_request(config.request, draft.problems, variables, secrets)
    if draft.problems or command is None:
        return None, draft.problems
    return draft.build(command, scope), []


@dataclass(slots=True, kw_only=True)
class _SessionDraft:
    """A session in progress. *scope* is for paths: no secret is compared with a response."""

    scope: Scope
    extracts: list[Extract] = field(default_factory=list)
    success: list[Condition] = field(default_factory=list)
    refused: list[Condition] = field(default_factory=list)
    headers: list[tuple[str, Template]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def compile_extracts(self, request: StepConfig) -> None:
        if not request.extract:
            message = (
                "The request extracts nothing from its response, so there is no session. "
                'Write, for example, extract = { Id = "$.sessionId" }.'
            )
            self._report("missing-key", message, f"{_REQUEST}.extract")
        seen: set[str] = set()
        for config in request.extract:
            where = f"{_REQUEST}.extract.{config.name}"
            if not NAME.fullmatch(config.name):
                message = f'"{config.name}" is not a valid name for a value. {NAME_RULE}'
                self._report("invalid-name", message, where)
            if config.name in seen:
                message = f"Two values are called {config.name}. Rename one."
                self._report("duplicate-name", message, where)
            seen.add(config.name)
            # a session gives access, so all its values are secret
            extract, problems = compile_extract(
                replace(config, secret=True), SESSION, where, self.scope
            )
            self.problems += problems
            if extract is not None:
                self.extracts.append(extract)

    def _report(self, code: str, message: str, where: str) -> None:
        self.problems.append(Problem(code=code, message=message, where=where))

    def compile_conditions(
        self, configs: tuple[ConditionConfig, ...], where: str, taken: list[Condition]
    ) -> None:
        for index, config in enumerate(configs):
            condition, problems = compile_condition(config, f"{where}[{index}]", self.scope)
            self.problems += problems
            if condition is not None:
                taken.append(condition)

    def compile_headers(self, config: AuthenticationConfig, scope: Scope) -> None:
        wider = Scope(
            variables=scope.variables,
            secrets=scope.secrets,
            tokens=session_token_names(config),
        )
        for index, (name, value) in enumerate(config.headers):
            template, problems = compile_header(
                name, value, f"authentication.headers[{index}]", wider
            )
            self.problems += problems
            if template is not None:
                self.headers.append((name, template))

    def build(self, command: Command, scope: Scope) -> SessionPlan:
        used = {name for _, template in self.headers for _, _, name in template.pieces}
        return SessionPlan(
            command=command,
            extracts=tuple(self.extracts),
            success=tuple(self.success),
            refused=tuple(self.refused),
            headers=tuple(self.headers),
            header_secrets=scope.secrets & used,
        )


def _misplaced(request: StepConfig) -> list[Problem]:
    problems = [
        Problem(
            code="misplaced-key",
            message=f"{name} is not allowed in the request that opens a session, which is sent "
            "once and gives no document. Remove it.",
            where=f"{_REQUEST}.{name}",
        )
        for name in _NOT_ALLOWED
        if getattr(request, name)
    ]
    if request.name not in {"", SESSION}:
        message = (
            f"The request that opens a session is always called {SESSION}, and its values "
            f"{{{{{SESSION}.Id}}}} and so on. Remove its name."
        )
        problems.append(Problem(code="invalid-name", message=message, where=f"{_REQUEST}.name"))
    return problems


def _compile_request(
    request: StepConfig,
    problems: list[Problem],
    variables: Mapping[str, str],
    secrets: Iterable[str],
) -> Command | None:
    """Compile the request as a command of one step; its problems point to the request."""
    nothing = StepConfig(url="")
    bare = replace(
        request,
        name="",
        extract=(),
        success_when=(),
        **{name: getattr(nothing, name) for name in _NOT_ALLOWED},
    )
    config = CommandConfig(name=SESSION, steps=(bare,))
    try:
        return compile_command(config, variables=variables, secrets=secrets)
    except ConfigurationError as error:
        problems += [replace(each, where=_place(each.where)) for each in error.problems]
    return None


def _place(where: str) -> str:
    return where.replace(f"commands.{SESSION}", _REQUEST, 1)
