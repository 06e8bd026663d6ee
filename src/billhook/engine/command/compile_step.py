"""A step, compiled: what it derives, its request, its response, and the steps inside it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from billhook.engine.command.compile_request import RequestDraft, compile_request
from billhook.engine.command.derive import Derive
from billhook.engine.command.scope import StepScopes
from billhook.engine.command.step import Step
from billhook.engine.config import DeriveConfig, StepConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import Problem
from billhook.engine.slots.form import compile_text
from billhook.engine.tokens.catalogue import NAME, NAME_RULE
from billhook.engine.tokens.functions import (
    PATH,
    RAW,
    BadFunction,
    find_function,
    function_names,
    make_function,
)
from billhook.engine.tokens.text import read_text

if TYPE_CHECKING:
    from billhook.engine.command.compile_answer import AnswerDraft

MAX_ANSWER: Final = 10_000_000
"""The most bytes of a response that isn't the document: a list that was searched, for instance."""
MAX_TOKENS: Final = 50
_SAFE: Final = "GET"
_ONLY_IN_URLS: Final = frozenset({RAW, PATH})


@dataclass(slots=True, kw_only=True)
class StepDraft:
    """A step on its way, with the steps inside it. ``uses`` are all names in its texts."""

    config: StepConfig
    name: str
    where: str
    request: RequestDraft
    derives: list[Derive] = field(default_factory=list)
    answer: AnswerDraft | None = None
    inner: list[StepDraft] = field(default_factory=list)
    carried: frozenset[str] = frozenset()
    session: frozenset[str] = frozenset()
    late: tuple[Derive, ...] = ()
    problems: list[Problem] = field(default_factory=list)

    @property
    def whole(self) -> Iterator[StepDraft]:
        """This one and all inside it."""
        yield self
        for draft in self.inner:
            yield from draft.whole

    @property
    def uses(self) -> dict[str, None]:
        """Return every name that the step uses, in order."""
        names = dict.fromkeys(name for derive in self.derives for name in derive.uses)
        names |= self.request.uses
        return names | (self.answer.uses if self.answer else {})

    def build(self, max_document: int, trusted: frozenset[Origin], *, is_last: bool) -> Step:
        """Return the step. There must be no problem."""
        request, config, answer = self.request, self.config, self.answer
        assert request.url is not None  # noqa: S101 - without problems there is a URL; for mypy
        safe = config.method == _SAFE and not request.link
        return Step(
            name=self.name,
            method=config.method,
            origin=request.origin,
            site=request.site,
            url=request.url,
            headers=tuple(request.headers),
            body=request.body,
            tokens=tuple(name for name in request.uses if name not in self.carried),
            uses=tuple(self.uses),
            secrets=self.carried,
            max_bytes=self._max_bytes(max_document, is_last=is_last),
            link=request.link,
            trusted=trusted,
            session=self.session,
            late=self.late,
            authenticate=not request.link
            if config.authentication is None
            else config.authentication,
            repeatable=not config.side_effects and (safe or config.repeatable),
            compressed=config.compressed,
            derives=tuple(self.derives),
            reading=answer.reading() if answer else None,
            repeat=answer.repeat if answer else None,
            on_not_found=tuple(
                draft.build(max_document, trusted, is_last=False) for draft in self.inner
            ),
            answer=answer.place if answer else None,
        )

    def _max_bytes(self, max_document: int, *, is_last: bool) -> int | None:
        """Base 64 takes a third more than the document; other responses are no documents."""
        place = self.answer.place if self.answer else None
        kind = "body" if place is None else place.kind
        if not is_last or kind in {"url", "link"}:
            return MAX_ANSWER
        return None if kind != "base64" else max_document * 3 // 2 + MAX_ANSWER


def compile_step(
    config: StepConfig, where: str, scopes: StepScopes, command: str, *, is_last: bool = False
) -> StepDraft:
    """Compile *config* with the tokens that are known by now, and add those that it gives."""
    name = config.name or command
    problems = list(_token_problems(config, where))
    derives = []
    for typed in config.derive:
        derive, found = compile_derive(typed, name, f"{where}.derive.{typed.name}", scopes)
        problems += found
        if derive is not None:
            derives.append(derive)
    request = compile_request(config, where, scopes.request(name), frozenset(scopes.links))
    draft = StepDraft(
        config=config, name=name, where=where, request=request, derives=derives, problems=problems
    )
    names = frozenset(request.uses)
    draft.carried = scopes.taint(names)
    draft.session = scopes.of_session(names)
    draft.late = tuple(scopes.late.values())
    draft.problems += _contradictions(draft, is_last=is_last)
    _take_inner(draft, scopes, command)
    _take_answer(draft, scopes, is_last=is_last)
    return draft


def _token_problems(config: StepConfig, where: str) -> Iterator[Problem]:
    named = [(f"{where}.derive", each.name) for each in config.derive]
    named += [(f"{where}.extract", each.name) for each in config.extract]
    if len(named) > MAX_TOKENS:
        message = f"A step may derive and extract at most {MAX_TOKENS} values."
        yield Problem(code="too-many", message=message, where=where)
    seen: set[str] = set()
    for place, name in named:
        if not NAME.fullmatch(name):
            message = f'"{name}" can\'t be the name of a value. {NAME_RULE}'
            yield Problem(code="invalid-name", message=message, where=place)
        elif name in seen:
            message = f"Two values of this step are called {name}. Rename one."
            yield Problem(code="duplicate-name", message=message, where=f"{place}.{name}")
        seen.add(name)


def compile_derive(
    config: DeriveConfig, step: str, where: str, scopes: StepScopes
) -> tuple[Derive | None, list[Problem]]:
    """Compile a value derived from others, and add its token to those that are known."""
    text = read_text(config.template, where, scopes.derive(step))
    problems = [*text.problems, *_function_problems(config.function, where)]
    template, found = (None, []) if text.problems else compile_text(text, scopes.derive(step))
    problems += found
    token = f"{step}.{config.name}"
    names = frozenset(use.name for use in text.tokens)
    scopes.known.add(token)
    is_late = bool(scopes.of_session(names))
    scopes.masked |= {token} if is_late or names & scopes.masked else set()
    if taint := scopes.taint(names):
        scopes.taints[token] = taint
    if template is None or problems:
        return None, problems
    function = find_function(config.function) if config.function else None
    derive = Derive(token=token, template=template, function=function)
    if is_late:
        scopes.late[token] = derive
    return derive, []


def _function_problems(function: str, where: str) -> Iterator[Problem]:
    if not function:
        return
    advice: str = f"Use one of {', '.join(n for n in function_names() if n not in _ONLY_IN_URLS)}."
    suggestion: str | None = None
    if function not in _ONLY_IN_URLS:
        try:
            make_function(function)
        except BadFunction as bad:
            advice, suggestion = bad.advice, bad.suggestion
        else:
            return
    yield Problem(
        code="unknown-function",
        message=f'"{function}" is no function for a derived value. {advice}',
        where=f"{where}.function",
        suggestion=suggestion,
    )


def _contradictions(draft: StepDraft, *, is_last: bool) -> Iterator[Problem]:
    config, where = draft.config, draft.where
    if draft.request.link and draft.carried:
        names = " and ".join(f"{{{{{name}}}}}" for name in sorted(draft.carried))
        message = (
            f"The address comes out of a response, so {names} could go anywhere. Remove it from "
            "this request. authentication = true authenticates it, but only at your own address."
        )
        yield Problem(code="secret-to-answered-url", message=message, where=f"{where}.url")
    if config.side_effects and (config.repeatable or config.repeat_until is not None):
        other = "repeatable" if config.repeatable else "repeat_until"
        message = (
            f"A step with side effects is never repeated automatically: {other} contradicts that."
        )
        yield Problem(code="never-repeated", message=message, where=f"{where}.{other}")
    if config.answer is not None and not is_last:
        message = "Only the last step's response holds the document. Move answer there."
        yield Problem(code="misplaced-key", message=message, where=f"{where}.answer")


def _take_inner(draft: StepDraft, scopes: StepScopes, command: str) -> None:
    """Compile the steps that are sent when this one finds nothing; what they give stays there."""
    outside = set(scopes.known), set(scopes.links)
    for index, config in enumerate(draft.config.on_not_found):
        where = f"{draft.where}.on_not_found[{index}]"
        draft.inner.append(compile_step(config, where, scopes, command))
    scopes.known, scopes.links = outside


def _take_answer(draft: StepDraft, scopes: StepScopes, *, is_last: bool) -> None:
    config, step = draft.config, draft.name
    if _concerns_answer(config):
        # its modules load the libraries for XML, JSONPath and regular expressions
        from billhook.engine.command.compile_answer import AnswerDraft

        draft.answer = AnswerDraft(where=draft.where)
        draft.answer.take(config, step, scopes.answer(step))
    for typed in config.extract:
        token = f"{step}.{typed.name}"
        scopes.known.add(token)
        scopes.links |= {token} if typed.url else set()
        scopes.masked |= {token} if typed.secret else set()
    if draft.answer is not None and config.answer is not None and is_last:
        draft.answer.take_place(config.answer, scopes.answer(step))


def _concerns_answer(config: StepConfig) -> bool:
    parts = (config.extract, config.success_when, config.not_found_when, config.on_not_found)
    single = (config.reason, config.repeat_until, config.answer)
    return any(parts) or any(each is not None for each in single)
