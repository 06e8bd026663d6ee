"""Compiles one request of a step, method, URL, headers and body, and reports every problem."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from billhook.engine.config import METHODS, StepConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import Problem
from billhook.engine.slots.body import compile_body
from billhook.engine.slots.header import compile_header
from billhook.engine.slots.url import compile_url
from billhook.engine.tokens.catalogue import nearest
from billhook.engine.tokens.encoders import encode_text
from billhook.engine.tokens.functions import RAW
from billhook.engine.tokens.template import Part, Template, build_template
from billhook.engine.tokens.text import Scope, Text, read_text

METHODS_WITH_BODY: Final = frozenset({"POST", "PUT", "PATCH"})
MAX_HEADERS: Final = 50
_ONCE: Final = frozenset({"content-type", "authorization", "cookie"})


@dataclass(slots=True, kw_only=True)
class RequestDraft:
    """A request on its way: its templates as far as they could be compiled, and its problems.

    ``link`` is the token that is the whole URL; else ``origin`` is where it goes. ``links`` are the
    tokens that may be one.
    """

    config: StepConfig
    links: frozenset[str]
    url: Template | None = None
    origin: Origin | None = None
    site: str = ""
    link: str = ""
    headers: list[tuple[str, Template]] = field(default_factory=list)
    body: Template | None = None
    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    @property
    def uses(self) -> dict[str, None]:
        """The names that are filled into it when it is sent, in order."""
        templates = [*(value for _, value in self.headers)]
        templates = templates if self.url is None else [self.url, *templates]
        templates = templates if self.body is None else [*templates, self.body]
        return dict.fromkeys(name for template in templates for _, _, name in template.pieces)


def compile_request(
    config: StepConfig, where: str, scope: Scope, links: frozenset[str]
) -> RequestDraft:
    """Compile the request of *config*. *links* are the tokens that may be a whole URL."""
    draft = RequestDraft(config=config, links=links)
    _take_method(draft, where)
    _take_url(draft, where, scope)
    _take_headers(draft, where, scope)
    _take_body(draft, where, scope)
    return draft


def _take_method(draft: RequestDraft, where: str) -> None:
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


def _take_url(draft: RequestDraft, where: str, scope: Scope) -> None:
    text = read_text(draft.config.url, f"{where}.url", scope)
    draft.problems += text.problems
    if text.is_broken:
        return
    link = _whole_link(text, draft.links)
    if link is not None:
        draft.link = link
        draft.url = build_template(text.where, [Part(token=link, encode=encode_text, end=text.end)])
        return
    compiled, problems = compile_url(text, scope)
    draft.problems += problems
    draft.notes += _notes_of_raw(text, scope)
    if compiled is not None:
        url = compiled.url
        draft.url, draft.site = compiled.template, compiled.site
        draft.origin = url.origin


def _whole_link(text: Text, links: frozenset[str]) -> str | None:
    """Return the token that is the whole URL, if it may be one."""
    if len(text.tokens) != 1:
        return None
    token = text.tokens[0]
    is_whole = (token.start, token.end) == (0, text.end) and not token.function
    return token.name if is_whole and token.name in links else None


def _notes_of_raw(text: Text, scope: Scope) -> list[Problem]:
    """Remark on values that are passed on; a variable is typed by the member who reads this."""
    return [
        text.problem(
            "raw-value",
            f"{{{{{token.name}|raw}}}} is passed on as it is, so its value can add parts of the "
            "path and parameters. Use it only for values that you trust.",
            (token.start, token.end),
        )
        for token in text.tokens
        if token.function == RAW and token.name not in scope.variables
    ]


def _take_headers(draft: RequestDraft, where: str, scope: Scope) -> None:
    headers = draft.config.headers
    if len(headers) > MAX_HEADERS:
        message = f"A request may have at most {MAX_HEADERS} headers."
        draft.problems.append(Problem(code="too-many", message=message, where=f"{where}.headers"))
    seen: set[str] = set()
    for index, (name, value) in enumerate(headers):
        place = f"{where}.headers[{index}]"
        template, problems = compile_header(name, value, place, scope)
        draft.problems += problems
        small = name.lower()
        if small in seen & _ONCE:
            message = f"{name} is allowed only once. Remove one of the two."
            draft.problems.append(Problem(code="duplicate-header", message=message, where=place))
        seen.add(small)
        if template is not None:
            draft.headers.append((name, template))
            if small == "content-type" and template.pieces:
                message = "The Content-Type decides how the body is filled: it can't hold a token."
                draft.problems.append(
                    Problem(code="forbidden-position", message=message, where=place)
                )


def _take_body(draft: RequestDraft, where: str, scope: Scope) -> None:
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
