"""From the authentication as typed to a plan: finds every problem, with its solution."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from billhook.engine.authentication.fields import CompiledField, compile_field, compile_line
from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.authentication.scheme import (
    WHERE,
    AuthenticationPlan,
    Scheme,
    problem_at,
)
from billhook.engine.config import AuthenticationConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.tokens.catalogue import nearest
from billhook.engine.tokens.template import Template
from billhook.engine.tokens.text import Scope, read_text
from billhook.engine.tokens.values import Given, UnfitValue, take_value

if TYPE_CHECKING:
    from billhook.engine.authentication.session_plan import SessionPlan


def compile_authentication(
    config: AuthenticationConfig, *, variables: Mapping[str, str], secrets: Iterable[str]
) -> AuthenticationPlan:
    """Compile *config*; raise ConfigurationError with every problem in it.

    *variables* are filled in now. *secrets* are the names of the integration's secrets. Problems of
    the variables themselves are reported by the commands that are compiled with them.
    """
    scheme = SCHEMES.get(config.scheme)
    if scheme is None:
        raise ConfigurationError((_unknown_scheme(config.scheme),))
    names = frozenset(secrets)
    draft = _PlanDraft(scheme=scheme, config=config, scope=_make_scope(variables, names))
    draft.refuse_unknown_keys()
    draft.compile_fields()
    draft.compile_extra()
    draft.compile_session(variables, names)
    if draft.problems:
        raise ConfigurationError(tuple(draft.problems))
    return draft.build()


def _unknown_scheme(name: str) -> Problem:
    near = nearest(name, SCHEMES)
    advice = f"Did you mean {near}?" if near else f"Choose one of {', '.join(SCHEMES)}."
    message = f'There is no authentication scheme "{name}". {advice}'
    return problem_at("scheme", "unknown-scheme", message, near)


def _make_scope(variables: Mapping[str, str], secrets: frozenset[str]) -> Scope:
    given: dict[str, Given] = {}
    for name, value in variables.items():
        try:
            given[name] = take_value(value)
        except UnfitValue:
            given[name] = Given(text="x", quoted=True)
    return Scope(variables=given, secrets=secrets, tokens=frozenset())


@dataclass(slots=True, kw_only=True)
class _PlanDraft:
    """A plan in progress, with its problems."""

    scheme: Scheme
    config: AuthenticationConfig
    scope: Scope
    fields: dict[str, CompiledField] = field(default_factory=dict)
    extra: dict[str, Template] = field(default_factory=dict)
    session: SessionPlan | None = None
    problems: list[Problem] = field(default_factory=list)

    def _report(self, key: str, code: str, message: str, near: str | None = None) -> None:
        self.problems.append(problem_at(key, code, message, near))

    def refuse_unknown_keys(self) -> None:
        known = [each.key for each in self.scheme.fields]
        for key in self.config.fields:
            if key not in known:
                near = nearest(key, known)
                advice = f"Did you mean {near}?" if near else f"Its fields: {', '.join(known)}."
                message = f'The scheme {self.scheme.name} has no field "{key}". {advice}'
                self._report(key, "unknown-key", message, near)
        for part in ("extra", "headers", "requests", "derive", "refused_when"):
            if getattr(self.config, part) and part not in self.scheme.parts:
                key = "request" if part == "requests" and len(self.config.requests) == 1 else part
                message = f"The scheme {self.scheme.name} doesn't use {key}. Remove it."
                self._report(key, "misplaced-key", message)

    def compile_fields(self) -> None:
        for info in self.scheme.fields:
            typed = self.config.fields.get(info.key)
            compiled, problems = compile_field(info, typed, f"{WHERE}.{info.key}", self.scope)
            self.problems += problems
            if compiled is not None:
                self.fields[info.key] = compiled
        self.problems += self.scheme.check(self.config, self.fields)

    def compile_extra(self) -> None:
        if "extra" not in self.scheme.parts:
            return
        for name, value in self.config.extra.items():
            if not name or name.lower() in self.scheme.reserved:
                message = f'"{name}" is not allowed in extra: Billhook sends it itself. Remove it.'
                self._report(f"extra.{name}", "misplaced-key", message)
                continue
            text = read_text(value, f"{WHERE}.extra.{name}", self.scope)
            template, problems = compile_line(text, self.scope)
            self.problems += problems
            if template is not None:
                self.extra[name] = template

    def compile_session(self, variables: Mapping[str, str], secrets: frozenset[str]) -> None:
        if "requests" not in self.scheme.parts:
            return
        from billhook.engine.authentication.session_plan import compile_session  # loads lxml

        self.session, problems = compile_session(
            self.config, variables=variables, secrets=secrets, scope=self.scope
        )
        self.problems += problems

    def build(self) -> AuthenticationPlan:
        plan = AuthenticationPlan(
            scheme=self.scheme,
            fields=self.fields,
            extra=self.extra,
            session=self.session,
            known_secrets=self.scope.secrets,
        )
        return replace(plan, notes=tuple(self._notes(plan)))

    def _notes(self, plan: AuthenticationPlan) -> Iterable[Problem]:
        yield from self.scheme.notes(plan)
        key = self.scheme.sensitive
        if key and self.config.fields.get(key) and not plan.secrets:
            message = (
                "Everyone who can see the integration can read this. If it gives access, make it "
                "a secret and put its token here."
            )
            yield problem_at(key, "not-a-secret", message)
