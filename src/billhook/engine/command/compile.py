"""Compiles a command from its configuration: finds every problem, with its location and remedy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from billhook.engine.answer.kinds import ACCEPTABLE, KINDS
from billhook.engine.command.command import Command
from billhook.engine.command.compile_step import StepDraft, compile_step
from billhook.engine.command.payment import asking_for_link, compile_payment
from billhook.engine.command.person import naming_person, person_problems
from billhook.engine.command.scope import SESSION, StepScopes, all_steps, session_token_names
from billhook.engine.command.step import Step
from billhook.engine.config import (
    DEFAULT_ACCEPT,
    REDIRECTS,
    AuthenticationConfig,
    CommandConfig,
    StepConfig,
)
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.http.request import Limits
from billhook.engine.tokens.catalogue import NAME, NAME_RULE, SYSTEM_NAMES, nearest, tokens_of
from billhook.engine.tokens.text import Scope
from billhook.engine.tokens.values import Given, UnfitValue, take_value

MAX_STEPS: Final = 20
MAX_TIMEOUT: Final = 300.0
MAX_MAX_BYTES: Final = 2_000_000_000
MAX_RETRIES: Final = 5


def compile_command(
    config: CommandConfig,
    *,
    variables: Mapping[str, str] = MappingProxyType({}),
    secrets: Iterable[str] = (),
    authentication: AuthenticationConfig | None = None,
) -> Command:
    """Compile *config*; raise ConfigurationError with every problem in it.

    *variables* are filled in now. *secrets* are the names that the integration has. If
    *authentication* is a session, the command's requests may use the values that it gives.
    """
    config = asking_for_link(config)
    where = f"commands.{config.name}"
    names = tuple(secrets)
    scope, problems = make_scope(variables, names, tokens_of(config.name) | {*config.tokens})
    problems += _name_problems(config, where, variables, names)
    problems += _settings_problems(config, where)
    problems += person_problems(config, where)
    payment = compile_payment(config, where, scope.variables)
    problems += payment.problems if payment else []
    scopes = StepScopes(base=scope, session=session_token_names(authentication))
    places = [
        f"{where}.steps[{index}]" if has_step_tables(config) else where
        for index in range(len(config.steps))
    ]
    command, found = compile_steps(naming_person(config), places, scopes)
    if command is None or problems:
        raise ConfigurationError((*problems, *found))
    return replace(command, steps=payment.finish(command.steps)) if payment else command


def compile_steps(
    config: CommandConfig, places: Sequence[str], scopes: StepScopes
) -> tuple[Command | None, list[Problem]]:
    """Compile the steps of *config*, which are at *places*: each knows what those before it give.

    *scopes* grow from step to step. A step without a name has that of the command.
    """
    scopes.declare(config.steps, config.name)
    last = len(config.steps) - 1
    drafts = [
        compile_step(step, place, scopes, config.name, is_last=index == last)
        for index, (step, place) in enumerate(zip(config.steps, places, strict=True))
    ]
    whole = [inner for draft in drafts for inner in draft.whole]
    problems = [problem for draft in whole for problem in _problems_of(draft)]
    if problems:
        return None, problems
    notes = tuple(note for draft in whole for note in _notes_of(draft, config))
    return _command(config, _build(config, drafts), scopes.base, notes), []


def _problems_of(draft: StepDraft) -> list[Problem]:
    answer = draft.answer.problems if draft.answer else []
    return [*draft.problems, *draft.request.problems, *answer]


def _notes_of(draft: StepDraft, config: CommandConfig) -> Iterator[Problem]:
    yield from draft.request.notes
    origin = draft.request.origin
    if draft.carried and origin is not None and origin.scheme != "https":
        message = (
            "A secret travels over https only, unless the operator has allowed this host and "
            "port. Write https:// if the source offers it."
        )
        yield Problem(code="secret-over-http", message=message, where=f"{draft.where}.url")
    repeat = draft.answer.repeat if draft.answer else None
    if repeat is not None and repeat.pause * (repeat.times - 1) >= config.timeout:
        message = (
            f"{repeat.times} times with pauses of {repeat.pause:g} seconds is longer than the "
            f"command's timeout of {config.timeout:g} seconds, which ends it first."
        )
        yield Problem(
            code="longer-than-timeout", message=message, where=f"{draft.where}.repeat_until"
        )


def _build(config: CommandConfig, drafts: list[StepDraft]) -> tuple[Step, ...]:
    origins = [inner.request.origin for draft in drafts for inner in draft.whole]
    trusted = frozenset(origin for origin in origins if origin is not None)
    return tuple(
        draft.build(config.max_bytes, trusted, is_last=draft is drafts[-1]) for draft in drafts
    )


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
            given[name] = Given(text="x", quoted=True)  # so that it causes no second problem
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
    if other == f"{kind} of the integration":
        message = f"The {kind} {name} is defined twice. Remove one of the two."
    return Problem(code="duplicate-name", message=message, where=where)


def _step_name_problems(config: CommandConfig, where: str) -> Iterator[Problem]:
    if not config.steps:
        message = "The command has no web request. Give it a method and a URL."
        yield Problem(code="missing-key", message=message, where=where)
    steps = all_steps(config.steps)
    if len(steps) > MAX_STEPS:
        message = f"A command may have at most {MAX_STEPS} steps."
        yield Problem(code="too-many", message=message, where=f"{where}.steps")
    counts = Counter(step.name for step in steps)
    for place, step in _places(config.steps, where, "steps"):
        if step is config.steps[0] and not has_step_tables(config):
            continue
        yield from _problems_of_name(step.name, counts[step.name], f"{place}.name")


def _places(
    steps: tuple[StepConfig, ...], where: str, key: str
) -> Iterator[tuple[str, StepConfig]]:
    for index, step in enumerate(steps):
        place = f"{where}.{key}[{index}]"
        yield place, step
        yield from _places(step.on_not_found, place, "on_not_found")


def _problems_of_name(name: str, count: int, where: str) -> Iterator[Problem]:
    if not NAME.fullmatch(name):
        message = f"Each step needs a name, such as Find. {NAME_RULE}"
        yield Problem(code="invalid-name", message=message, where=where)
    elif name == SESSION:
        message = f"{SESSION} is the name of the values of a session. Choose another."
        yield Problem(code="reserved-name", message=message, where=where)
    elif count > 1:
        message = f"There are {count} steps called {name}. Rename one."
        yield Problem(code="duplicate-name", message=message, where=where)


def _settings_problems(config: CommandConfig, where: str) -> Iterator[Problem]:
    if config.redirects not in REDIRECTS:
        near = nearest(config.redirects, REDIRECTS)
        message = 'redirects is "follow" (at most three) or "deny".'
        yield Problem(
            code="invalid-value", message=message, where=f"{where}.redirects", suggestion=near
        )
    if not 0 < config.timeout <= MAX_TIMEOUT:
        message = f"timeout is a number of seconds, above 0 and up to {MAX_TIMEOUT:g}."
        yield Problem(code="invalid-value", message=message, where=f"{where}.timeout")
    if not 0 < config.max_bytes <= MAX_MAX_BYTES:
        message = f"max_bytes is a number of bytes, from 1 to {MAX_MAX_BYTES:,}."
        yield Problem(code="invalid-value", message=message, where=f"{where}.max_bytes")
    if not 0 <= config.retries <= MAX_RETRIES:
        message = f"retries is a whole number from 0 to {MAX_RETRIES}."
        yield Problem(code="invalid-value", message=message, where=f"{where}.retries")
    yield from _accept_problems(config, where)


def _accept_problems(config: CommandConfig, where: str) -> Iterator[Problem]:
    answer = config.steps[-1].answer if config.steps else None
    if answer is not None and answer.kind == "link" and config.accept != DEFAULT_ACCEPT:
        message = "A link is no document of any kind, so nothing is accepted. Remove accept."
        yield Problem(code="misplaced-key", message=message, where=f"{where}.accept")
    if not config.accept:
        message = 'accept needs one media type at least, such as "application/pdf".'
        yield Problem(code="invalid-value", message=message, where=f"{where}.accept")
    for index, media_type in enumerate(config.accept):
        if media_type not in ACCEPTABLE:
            near = nearest(media_type, ACCEPTABLE)
            message = f"accept takes kinds that are recognised by their bytes: {', '.join(KINDS)}."
            yield Problem(
                code="invalid-value",
                message=message,
                where=f"{where}.accept[{index}]",
                suggestion=near,
            )


def _command(
    config: CommandConfig, steps: tuple[Step, ...], scope: Scope, notes: tuple[Problem, ...]
) -> Command:
    whole = [inner for step in steps for inner in step.with_inner]
    used = dict.fromkeys(name for step in whole for name in step.uses)
    carried = frozenset(name for step in whole for name in step.secrets)
    return Command(
        name=config.name,
        steps=steps,
        tokens=tuple(name for name in used if name in scope.tokens - SYSTEM_NAMES),
        known_tokens=scope.tokens - SYSTEM_NAMES,
        own_names=scope.secrets | scope.variables.keys() | SYSTEM_NAMES,
        system_tokens=SYSTEM_NAMES & used.keys(),
        secrets=scope.secrets & used.keys(),
        secret_origins={
            name: frozenset(
                step.origin for step in whole if name in step.secrets and step.origin is not None
            )
            for name in carried
        },
        limits=Limits(timeout=config.timeout, max_bytes=config.max_bytes, retries=config.retries),
        redirects=config.redirects,
        accept=config.accept,
        notes=notes,
    )
