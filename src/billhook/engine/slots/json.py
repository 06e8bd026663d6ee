"""JSON bodies with tokens: parsed once as a template, and again after each filling to compare.

In the template, each token is a value of its own (bare) or part of a string. To let a standard
parser read it, each token is replaced by a character that the template doesn't hold, as often as
the token is long, so that offsets stay as they are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple, NoReturn

from billhook.engine.errors import Problem
from billhook.engine.tokens.encoders import encode_json_string, encode_json_value
from billhook.engine.tokens.template import Encode, Template, build_template, place_tokens
from billhook.engine.tokens.text import Scope, Text, TokenUse
from billhook.engine.tokens.values import UnfitValue, Values

_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKET: Final = re.compile(r"[\[\]{}]")
_BEFORE_VALUE: Final = frozenset({"", "[", ",", ":"})
_AFTER_VALUE: Final = frozenset({"", "]", ",", "}"})
_SPACE: Final = " \t\r\n"
MAX_DEPTH: Final = 100
_BOM: Final = "\ufeff"

Fits = Callable[[Any], bool]


def compile_json(text: Text, scope: Scope) -> tuple[Template | None, list[Problem]]:
    """Compile a JSON body; return it, or the problems that prevent it."""
    shape = text.shape()
    strings = [match.span() for match in _STRING.finditer(shape)]
    bare = {token.start for token in text.tokens if not _stands_in(token, strings)}
    problems = _bare_problems(text, shape, bare)
    if problems:
        return None, problems
    marks = dict(zip(text.tokens, spare_characters(text.text), strict=False))
    tree, problems = _parse(text, lambda token: _stand_in(token, marks[token], bare))
    if problems:
        return None, problems
    return _build(text, scope, bare, _fits(tree, frozenset(marks.values())))


def spare_characters(text: str) -> Iterator[str]:
    """Yield private-use characters that *text* doesn't hold. They are allowed in JSON and XML."""
    return (chr(code) for code in range(0xF0000, 0xFFFFE) if chr(code) not in text)


def _stands_in(token: TokenUse, spans: list[tuple[int, int]]) -> bool:
    return any(start < token.start < end for start, end in spans)


def _stand_in(token: TokenUse, mark: str, bare: set[int]) -> str:
    length = token.end - token.start
    return f'"{mark * (length - 2)}"' if token.start in bare else mark * length


def _build(
    text: Text, scope: Scope, bare: set[int], fits: Fits
) -> tuple[Template | None, list[Problem]]:
    def encoder_of(token: TokenUse) -> Encode:
        return encode_json_value if token.start in bare else encode_json_string

    parts, problems = place_tokens(text, scope, encoder_of)
    check = _check_of_whole(fits) if text.tokens else None
    template = build_template(text.where, parts, check=check)
    return (None, problems) if problems else (template, [])


def _bare_problems(text: Text, shape: str, bare: set[int]) -> list[Problem]:
    """Refuse each bare token that isn't a whole value: glued to a sign, a digit or another one."""
    problems = []
    for token in text.tokens:
        if token.start not in bare:
            continue
        before = shape[: token.start].rstrip(_SPACE)[-1:]
        after = shape[token.end :].lstrip(_SPACE)[:1]
        at = (token.start, token.end)
        if after == ":":
            message = "A key in JSON is text: put quotes around it, "
            suggestion = f'"{text.text[token.start : token.end]}"'
            problems.append(
                text.problem("not-json-value", message + suggestion + ".", at, suggestion)
            )
        elif before not in _BEFORE_VALUE or after not in _AFTER_VALUE:
            message = (
                f"{{{{{token.name}}}}} is bare in JSON, so it is a whole value: nothing may be "
                "joined to it. Put quotes around the whole text, or use one token alone."
            )
            problems.append(text.problem("not-json-value", message, at))
    return problems


class _Object(NamedTuple):
    """An object of the template: its members in order, so that doubled keys are seen."""

    members: list[tuple[str, Any]]


class _DuplicateKeyError(ValueError):
    def __init__(self, key: str) -> None:
        super().__init__()
        self.key = key


def _parse(text: Text, stand_in: Callable[[TokenUse], str]) -> tuple[Any, list[Problem]]:
    sample = text.shape(stand_in)
    whole = (0, len(sample))
    if _depth(sample) > MAX_DEPTH:
        message = f"The body's lists and objects are nested deeper than {MAX_DEPTH} levels."
        return None, [text.problem("invalid-json", message, whole)]
    try:
        return json.loads(sample, object_pairs_hook=_members, parse_constant=_refuse), []
    except json.JSONDecodeError as error:
        at = (error.pos, min(error.pos + 1, len(sample)))
        return None, [text.problem("invalid-json", _explain(sample, error.pos), at)]
    except _DuplicateKeyError as error:
        message = f'The key "{error.key}" appears twice in one object. Remove one of them.'
        return None, [text.problem("duplicate-key", message, whole)]
    except ValueError:
        message = "JSON has no NaN, no Infinity and no number of thousands of digits."
        return None, [text.problem("invalid-json", message, whole)]


def _depth(sample: str) -> int:
    """Return how deep lists and objects are nested, whether or not they are closed."""
    depth = deepest = 0
    for bracket in _BRACKET.findall(_STRING.sub("", sample)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    return deepest


def _members(members: list[tuple[str, Any]]) -> _Object:
    seen = set()
    for key, _ in members:
        if key in seen:
            raise _DuplicateKeyError(key)
        seen.add(key)
    return _Object(members)


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)


def _explain(sample: str, position: int) -> str:
    """Say what is wrong at *position*, for people who have never read the grammar."""
    line = sample.count("\n", 0, position) + 1
    column = position - sample.rfind("\n", 0, position)
    return f"The body is not valid JSON (line {line}, column {column}): {_cause(sample, position)}"


def _cause(sample: str, position: int) -> str:
    here = sample[position : position + 1]
    before = sample[:position].rstrip(_SPACE)[-1:]
    after = sample[position + 1 :].lstrip(_SPACE)[:1]
    if (before == "," and here in _CLOSING) or (here == "," and after in _CLOSING):
        return "remove the comma before the closing bracket."
    if "\\" in {here, before}:
        return (
            'after a backslash only " \\ / b f n r t or u and four hexadecimal digits are allowed.'
        )
    return _CAUSES.get(here, _OTHER_CAUSE)


_CLOSING: Final = frozenset({"]", "}"})
_CAUSES: Final = {
    "": "it ends too early. Close every quote, bracket and brace.",
    _BOM: "it begins with an invisible byte order mark. Remove it.",
    "/": "JSON has no comments. Remove it.",
    "#": "JSON has no comments. Remove it.",
    "'": 'text must be in double quotes ("), not single ones.',
    **dict.fromkeys("\n\r\t", "a line break or tab inside a text is written \\n, \\r or \\t."),
}
_OTHER_CAUSE: Final = (
    "a value, a comma or a closing bracket was expected here. Text needs double quotes."
)


def _check_of_whole(fits: Fits) -> Callable[[str, Values], None]:
    """Return the check that the filled body still has the template's structure."""

    def check(filled: str, values: Values) -> None:  # noqa: ARG001 - the form of every check
        try:
            fitting = fits(json.loads(filled))
        except (ValueError, RecursionError):
            fitting = False
        if not fitting:
            raise UnfitValue("structure-changed", "changes the structure of the JSON body.")

    return check


def _fits(node: Any, marks: frozenset[str]) -> Fits:
    """Return the test whether a parsed value has the structure of *node* of the template."""
    if isinstance(node, _Object):
        return _fits_object(node, marks)
    if isinstance(node, list):
        return _fits_list(node, marks)
    if isinstance(node, str) and not marks.isdisjoint(node):
        return _is_scalar
    return lambda value: bool(value == node)


def _is_scalar(value: Any) -> bool:
    return not isinstance(value, dict | list)


def _fits_list(node: list[Any], marks: frozenset[str]) -> Fits:
    tests = [_fits(item, marks) for item in node]

    def test(value: Any) -> bool:
        return (
            type(value) is list
            and len(value) == len(tests)
            and all(fits(item) for fits, item in zip(tests, value, strict=True))
        )

    return test


def _fits_object(node: _Object, marks: frozenset[str]) -> Fits:
    """Members are compared in their order, which both parsers keep.

    A value that makes a key which is there already leaves fewer members than the template has.
    """
    size = len(node.members)
    fixed_keys = [key if marks.isdisjoint(key) else None for key, _ in node.members]
    tests = [_fits(member, marks) for _, member in node.members]

    def test(value: Any) -> bool:
        if type(value) is not dict:
            return False
        if len(value) != size:
            raise UnfitValue("duplicate-key", "makes a second key of the same name.")
        return all(
            (fixed is None or fixed == key) and fits(value[key])
            for fixed, fits, key in zip(fixed_keys, tests, value, strict=True)
        )

    return test
