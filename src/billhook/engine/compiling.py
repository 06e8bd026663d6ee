"""From what was typed to a Command: every mistake is found here, with its place and its remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from billhook.engine.command import Command, Limits, Origin, Step
from billhook.engine.config import CommandConfig, StepConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.kinds import ACCEPTABLE, KINDS
from billhook.engine.slots_body import compile_body
from billhook.engine.slots_header import compile_header
from billhook.engine.slots_url import UrlTemplate, compile_url
from billhook.engine.template import Scope, Template, read_text
from billhook.engine.tokens import NAME, NAME_RULE, SYSTEM_NAMES, nearest, tokens_of
from billhook.engine.values import Given, UnfitValue, take_value

METHODS: Final = ("GET", "POST", "PUT", "PATCH", "DELETE")
METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
REDIRECTS: Final = ("follow", "deny")
MAX_STEPS: Final = 20
MAX_HEADERS: Final = 50
MAX_TIMEOUT: Final = 300.0
MAX_MAX_BYTES: Final = 2_000_000_000
_ONCE: Final = frozenset({"content-type", "authorization", "cookie"})


def compile_command(
    config: CommandConfig, *, variables: Mapping[str, str], secrets: Iterable[str]
) -> Command:
    """Compile *config*; raise ConfigurationError with every mistake in it."""
    where = f"commands.{config.name}"
    names = tuple(secrets)
    scope, problems = make_scope(variables, names, tokens_of(config.name) | {*config.tokens})
    problems += _name_problems(config, where, variables, names)
    problems += _settings_problems(config, where)
    drafts = [
        _compile_step(step, _step_where(config, index, where), scope, config.name)
        for index, step in enumerate(config.steps)
    ]
    problems += [problem for draft in drafts for problem in draft.problems]
    if problems:
        raise ConfigurationError(tuple(problems))
    steps = tuple(draft.build(scope) for draft in drafts)
    notes = tuple(note for draft in drafts for note in draft.notes)
    return _command(config, steps, scope, notes)


def make_scope(
    variables: Mapping[str, str], secrets: Iterable[str], tokens: Iterable[str]
) -> tuple[Scope, list[Problem]]:
    """Return the names that texts may use, and the problems of the variables' values."""
    given: dict[str, Given] = {}
    problems = []
    for name, value in variables.items():
        try:
            given[name] = take_value(value)
        except UnfitValue as unfit:
            given[name] = Given(text="x", quoted=True)  # so that no second problem comes of it
            problems.append(
                Problem(
                    code=unfit.code,
                    message=f"The variable {name} {unfit.reason}",
                    where=f"integration.variables.{name}",
                )
            )
    scope = Scope(
        variables=given, secrets=frozenset(secrets), tokens=frozenset(tokens) | SYSTEM_NAMES
    )
    return scope, problems


def _step_where(config: CommandConfig, index: int, where: str) -> str:
    return f"{where}.steps[{index}]" if has_step_tables(config) else where


def has_step_tables(config: CommandConfig) -> bool:
    """Say whether the command is written with ``[[commands.NAME.steps]]``."""
    return len(config.steps) != 1 or bool(config.steps[0].name)


def _name_problems(
    config: CommandConfig, where: str, variables: Iterable[str], secrets: Iterable[str]
) -> Iterator[Problem]:
    named = [
        (where, "command", (config.name,)),
        (f"{where}.tokens", "token", config.tokens),
        ("integration.variables", "variable", tuple(variables)),
        ("integration.secrets", "secret", tuple(secrets)),
    ]
    for place, kind, names in named:
        for name in names:
            if not NAME.fullmatch(name):
                message = f'"{name}" can\'t be the name of a {kind}. {NAME_RULE}'
                yield Problem(code="invalid-name", message=message, where=place)
    yield from _clashes(config, where, named)
    yield from _step_name_problems(config, where)


def _clashes(
    config: CommandConfig, where: str, named: list[tuple[str, str, tuple[str, ...]]]
) -> Iterator[Problem]:
    """Refuse a name that means two things."""
    known: dict[str, str] = dict.fromkeys(SYSTEM_NAMES, "token of Billhook")
    for name in tokens_of(config.name):
        known[name] = f"token of {config.name}"
    own = set(config.tokens)
    for name in sorted(own & SYSTEM_NAMES):
        yield _clash(name, "token", known[name], f"{where}.tokens")
    known |= {name: known.get(name, "token of this command") for name in own}
    for place, kind, names in named[2:]:
        for name in names:
            if name in known:
                yield _clash(name, kind, known[name], place)
            known[name] = f"{kind} of the integration"


def _clash(name: str, kind: str, other: str, where: str) -> Problem:
    message = f"The {kind} {name} has the name of a {other}. Give it another name."
    return Problem(code="duplicate-name", message=message, where=where)


def _step_name_problems(config: CommandConfig, where: str) -> Iterator[Problem]:
    if not config.steps:
        message = "The command has no web request. Give it a method and a URL."
        yield Problem(code="missing-key", message=message, where=where)
    if len(config.steps) > MAX_STEPS:
        message = f"A command may have {MAX_STEPS} steps at most."
        yield Problem(code="too-many", message=message, where=f"{where}.steps")
    if not has_step_tables(config):
        return
    counts = Counter(step.name for step in config.steps)
    for index, step in enumerate(config.steps):
        place = f"{where}.steps[{index}].name"
        if not NAME.fullmatch(step.name):
            message = f"Each step needs a name, such as Find. {NAME_RULE}"
            yield Problem(code="invalid-name", message=message, where=place)
        elif counts[step.name] > 1:
            message = f"There are {counts[step.name]} steps called {step.name}. Rename one."
            yield Problem(code="duplicate-name", message=message, where=place)


def _settings_problems(config: CommandConfig, where: str) -> Iterator[Problem]:
    if config.redirects not in REDIRECTS:
        near = nearest(config.redirects, REDIRECTS)
        message = 'redirects is "follow" (three at most) or "deny".'
        yield Problem(
            code="invalid-value", message=message, where=f"{where}.redirects", suggestion=near
        )
    if not 0 < config.timeout <= MAX_TIMEOUT:
        message = f"timeout is a number of seconds, above 0 and up to {MAX_TIMEOUT:g}."
        yield Problem(code="invalid-value", message=message, where=f"{where}.timeout")
    if not 0 < config.max_bytes <= MAX_MAX_BYTES:
        message = f"max_bytes is a number of bytes, from 1 to {MAX_MAX_BYTES:,}."
        yield Problem(code="invalid-value", message=message, where=f"{where}.max_bytes")
    if not config.accept:
        message = 'accept needs one media type at least, such as "application/pdf".'
        yield Problem(code="invalid-value", message=message, where=f"{where}.accept")
    for index, media_type in enumerate(config.accept):
        if media_type not in ACCEPTABLE:
            near = nearest(media_type, ACCEPTABLE)
            message = f"accept takes what can be told by its bytes: {', '.join(KINDS)}."
            yield Problem(
                code="invalid-value",
                message=message,
                where=f"{where}.accept[{index}]",
                suggestion=near,
            )


@dataclass(slots=True, kw_only=True)
class _Draft:
    """A step on its way: its templates as far as they could be compiled, and its problems."""

    config: StepConfig
    name: str
    url: UrlTemplate | None = None
    headers: list[tuple[str, Template]] = field(default_factory=list)
    body: Template | None = None
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def build(self, scope: Scope) -> Step:
        """Return the step. There must be no problem."""
        assert self.url is not None  # noqa: S101 - without problems there is a URL; for mypy
        templates = [self.url.template, *(value for _, value in self.headers)]
        if self.body is not None:
            templates.append(self.body)
        used = dict.fromkeys(name for template in templates for _, _, name in template.pieces)
        return Step(
            name=self.name,
            method=self.config.method,
            origin=Origin(
                scheme=self.url.url.scheme, host=self.url.url.host, port=self.url.url.port
            ),
            site=self.url.site,
            url=self.url.template,
            headers=tuple(self.headers),
            body=self.body,
            tokens=tuple(name for name in used if name in scope.tokens),
            secrets=scope.secrets & used.keys(),
        )


def _compile_step(config: StepConfig, where: str, scope: Scope, command: str) -> _Draft:
    draft = _Draft(config=config, name=config.name or command)
    _take_method(draft, where)
    _take_url(draft, where, scope)
    _take_headers(draft, where, scope)
    _take_body(draft, where, scope)
    _note_plain_secrets(draft, where, scope)
    return draft


def _take_method(draft: _Draft, where: str) -> None:
    method = draft.config.method
    if method in METHODS:
        return
    draft.problems.append(
        Problem(
            code="unknown-method",
            message=f"The method is one of {', '.join(METHODS)}, in capital letters.",
            where=f"{where}.method",
            suggestion=nearest(method, METHODS),
        )
    )


def _take_url(draft: _Draft, where: str, scope: Scope) -> None:
    text = read_text(draft.config.url, f"{where}.url", scope)
    draft.problems += text.problems
    if not text.is_broken:
        draft.url, problems = compile_url(text, scope)
        draft.problems += problems


def _take_headers(draft: _Draft, where: str, scope: Scope) -> None:
    headers = draft.config.headers
    if len(headers) > MAX_HEADERS:
        message = f"A request may have {MAX_HEADERS} headers at most."
        draft.problems.append(Problem(code="too-many", message=message, where=f"{where}.headers"))
    seen: set[str] = set()
    for index, (name, value) in enumerate(headers):
        place = f"{where}.headers[{index}]"
        template, problems = compile_header(name, value, place, scope)
        draft.problems += problems
        small = name.lower()
        if small in seen & _ONCE:
            message = f"{name} may stand only once. Remove one of the two."
            draft.problems.append(Problem(code="duplicate-header", message=message, where=place))
        seen.add(small)
        if template is not None:
            draft.headers.append((name, template))
            if small == "content-type" and template.pieces:
                message = "The Content-Type decides how the body is filled: it can't hold a token."
                draft.problems.append(
                    Problem(code="forbidden-position", message=message, where=place)
                )


def _take_body(draft: _Draft, where: str, scope: Scope) -> None:
    place = f"{where}.body"
    if not draft.config.body:
        if draft.config.method in METHODS_WITH_BODY:
            draft.body = Template(where=place, parts=(), pieces=(), tail="")
        return
    if draft.config.method in METHODS and draft.config.method not in METHODS_WITH_BODY:
        message = (
            f"A {draft.config.method} request has no body. "
            "Choose POST, PUT or PATCH, or remove the body."
        )
        draft.problems.append(Problem(code="body-not-allowed", message=message, where=place))
    types = [value.tail for name, value in draft.headers if name.lower() == "content-type"]
    compiled = compile_body(draft.config.body, types, place, scope)
    draft.body = compiled.template
    draft.problems += compiled.problems
    draft.notes += compiled.notes


def _note_plain_secrets(draft: _Draft, where: str, scope: Scope) -> None:
    if draft.problems or draft.url is None or draft.url.url.scheme == "https":
        return
    if draft.build(scope).secrets:
        message = (
            "A secret travels over https only, unless the operator has allowed this host and "
            "port. Write https:// if the source offers it."
        )
        draft.notes.append(Problem(code="secret-over-http", message=message, where=f"{where}.url"))


def _command(
    config: CommandConfig, steps: tuple[Step, ...], scope: Scope, notes: tuple[Problem, ...]
) -> Command:
    used = dict.fromkeys(name for step in steps for name in step.tokens)
    secrets = frozenset(name for step in steps for name in step.secrets)
    return Command(
        name=config.name,
        steps=steps,
        tokens=tuple(name for name in used if name not in SYSTEM_NAMES),
        known_tokens=scope.tokens - SYSTEM_NAMES,
        own_names=scope.secrets | scope.variables.keys() | SYSTEM_NAMES,
        system_tokens=SYSTEM_NAMES & used.keys(),
        secrets=secrets,
        secret_origins={
            name: frozenset(step.origin for step in steps if name in step.secrets)
            for name in secrets
        },
        limits=Limits(timeout=config.timeout, max_bytes=config.max_bytes),
        redirects=config.redirects,
        accept=config.accept,
        notes=notes,
    )
