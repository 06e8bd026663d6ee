"""Finds keys that are typed in clear: in headers, URLs, bodies, variables and authentication.

Everyone who may see an integration reads them, and so does everyone who gets its file. A secret is
read by nobody. The search errs on the side of silence: a note about every long text would soon be
ignored.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Final
from urllib.parse import unquote, unquote_plus

from billhook.engine.config import (
    AuthenticationConfig,
    DeriveConfig,
    IntegrationConfig,
    StepConfig,
)
from billhook.engine.errors import Problem
from billhook.engine.secret import MASK
from billhook.engine.tokens.catalogue import COMMANDS, SYSTEM_NAMES

_MOST: Final = 20
"""The most keys that are reported."""
_LEAST: Final = 6
"""Characters of a value that may be a key; shorter ones are words of a protocol."""
_CREDENTIAL: Final = (
    r"(?:[\w-]*[-_])?(?:api|access|app|auth|client|private|secret|shared|subscription)[-_]?"
    r"(?:key|token|secret|password)|api[-_]?secret|[\w-]*(?:token|secret|passw(?:or)?d|apikey)|pwd"
    r"|x-[\w-]*key|key|(?:[\w-]*[-_])?pass(?:code|phrase)?|pw"
)
_HEADER: Final = re.compile(
    rf"(?:{_CREDENTIAL}|(?:[\w-]*-)?auth(?:entication|orization)?)", re.IGNORECASE
)
_SCHEME: Final = re.compile(r"(?:[A-Za-z][\w-]*)[ =:]+(?=\S)")
"""The word before the credentials in an Authorization header, such as Bearer."""
_AUTHORIZATION: Final = re.compile(r"auth(?:entication|orization)?$", re.IGNORECASE)
_CREDENTIALS: Final = re.compile(r"(?:Basic|Bearer|Token) +[\w+/=.-]{8,}$", re.IGNORECASE)
_NAME: Final = re.compile(_CREDENTIAL, re.IGNORECASE)
_PAIR: Final = re.compile(r"(?:^|[?&;])([\w.\[\]-]+)=([^&;#{}\s\"']+)")
_MEMBER: Final = re.compile(r"\"([\w-]+)\"\s*:\s*\"((?:[^\"{\\]|\\.|\{(?!\{))+)\"")
_ELEMENT: Final = re.compile(r"<(?:[\w-]+:)?([\w-]+)(?:\s[^<>]*)?>([^<>{}]+)</")
_ATTRIBUTE: Final = re.compile(r"\s([\w-]+)=\"([^\"<>{}]+)\"")
_FOR_BASIC: Final = re.compile(r"(?:[^:{}\s]|\{\{[^{}]*\}\})+:([^{}\s]{6,})")
"""The name and password of which base 64 makes what Basic sends."""
_FORMATS: Final = re.compile(
    r"(?<![\w-])(?:(?:sk|rk)_(?:live|test)_\w{8,}|gh[pousr]_\w{20,}|github_pat_\w{20,}|"
    r"glpat-[\w-]{16,}|xox[abeprs]-[\w-]{10,}|(?:AKIA|ASIA)[0-9A-Z]{16}|AIza[\w-]{30,}|"
    r"SG\.[\w-]{16,}\.[\w-]{16,}|shp(?:at|ca|pa|ss)_\w{16,}|whsec_[\w+/=-]{16,}|bhk_[\w-]{20,}|"
    r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}|"
    r"-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----[^-]{16,}-----END [A-Z ]{0,20}PRIVATE KEY-----)",
    re.ASCII,
)
_BLOB: Final = re.compile(r"(?<![\w.%+{|-])\w{32,}(?![\w.%+-])", re.ASCII)
"""A word that is long enough for a key and for few other things."""
_RUN: Final = re.compile(r"(?<![\w+/=.{|-])[\w+/=.-]{16,}", re.ASCII)
"""Characters of a key, outside of a token."""
_VAGUE: Final = frozenset(
    {"key", "token", "auth", "code", "sid", "session", "sessionid", "session_id"}
    | {"sig", "signature"}
)
"""Names of parameters that often hold something else: there a value has to look like a key."""
_WORD: Final = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class _ClearKey:
    """A key in a text: where it is there, and the name that a secret for it gets."""

    start: int
    end: int
    name: str


def find_clear_keys(config: IntegrationConfig) -> Iterator[Problem]:
    """Yield a note for each key that *config* has in clear, up to a number.

    ``start`` and ``end`` are its place in the text at ``where``, and ``suggestion`` is the token of
    a secret to write there.
    """
    yield from islice(_all_clear_keys(config, _SecretNames(config)), _MOST)


def _all_clear_keys(config: IntegrationConfig, names: _SecretNames) -> Iterator[Problem]:
    for name, value in config.variables.items():
        found = _in_variable(name, value)
        yield from _notes(f"integration.variables.{name}", value, found, names)
    if config.authentication is not None:
        yield from _in_authentication(config.authentication, names)
    for command in config.commands:
        has_tables = len(command.steps) != 1 or bool(command.steps[0].name)
        for number, step in enumerate(command.steps):
            where = f"commands.{command.name}"
            yield from _in_step(step, f"{where}.steps[{number}]" if has_tables else where, names)


def _in_authentication(config: AuthenticationConfig, names: _SecretNames) -> Iterator[Problem]:
    from billhook.engine.authentication.registry import SCHEMES  # files without it load no scheme

    scheme = SCHEMES.get(config.scheme)
    sensitive = scheme.sensitive if scheme else ""
    for info in scheme.fields if scheme else ():
        text = config.fields.get(info.key)
        is_key = info.key == sensitive or info.kind in {"secret", "secret-lines"}
        if isinstance(text, str) and is_key:
            yield from _notes(f"authentication.{info.key}", text, _whole(text, info.key), names)
    for name, value in config.extra.items():
        yield from _notes(f"authentication.extra.{name}", value, _under(name, value), names)
    for number, (name, value) in enumerate(config.headers):
        where = f"authentication.headers[{number}]"
        yield from _notes(where, value, _in_header(name, value), names)
    yield from _in_derived(config.derive, "authentication", names)
    for number, step in enumerate(config.requests):
        one = len(config.requests) == 1
        where = "authentication.request" if one else f"authentication.requests[{number}]"
        yield from _in_step(step, where, names)


def _in_step(step: StepConfig, where: str, names: _SecretNames) -> Iterator[Problem]:
    yield from _notes(f"{where}.url", step.url, _in_url(step.url), names)
    for number, (name, value) in enumerate(step.headers):
        yield from _notes(f"{where}.headers[{number}]", value, _in_header(name, value), names)
    yield from _notes(f"{where}.body", step.body, _in_body(step.body), names)
    yield from _in_derived(step.derive, where, names)
    for number, inner in enumerate(step.on_not_found):
        yield from _in_step(inner, f"{where}.on_not_found[{number}]", names)


def _in_derived(
    derives: Iterable[DeriveConfig], where: str, names: _SecretNames
) -> Iterator[Problem]:
    for derive in derives:
        found = _in_derive(derive)
        yield from _notes(f"{where}.derive.{derive.name}", derive.template, found, names)


def _in_derive(derive: DeriveConfig) -> Iterator[_ClearKey]:
    basic = _FOR_BASIC.fullmatch(derive.template) if "base64" in derive.function else None
    if basic is not None:
        yield _ClearKey(*basic.span(1), "Password")
    else:
        yield from _under(derive.name, derive.template)


def _notes(
    where: str, text: str, found: Iterator[_ClearKey], names: _SecretNames
) -> Iterator[Problem]:
    for key in _apart(found):
        token = f"{{{{{names.name_for(text[key.start : key.end], key.name)}}}}}"
        yield Problem(
            code="key-in-clear",
            message="This looks like a key that is typed in clear: everyone who may see the "
            f"integration can read it. Make it a secret, and write {token} here.",
            where=where,
            start=key.start,
            end=key.end,
            suggestion=token,
        )


def _in_variable(name: str, value: str) -> Iterator[_ClearKey]:
    """Yield *value* if it is a key or has one: a variable has no tokens, so it is moved whole."""
    has_key = any((*_formats(value), *_blobs(value, name))) or _CREDENTIALS.match(value)
    is_url = "://" in value
    if not is_url and (has_key or _NAME.fullmatch(name)):
        yield from _whole(value, name)


def _under(name: str, value: str) -> Iterator[_ClearKey]:
    """Yield *value*, which has a *name*, if it is a key, or the keys in it."""
    yield from _whole(value, name) if _NAME.fullmatch(name) else _formats(value)


def _in_url(url: str) -> Iterator[_ClearKey]:
    query = url.find("?")
    if query >= 0:
        yield from _pairs(url, query)
    yield from _formats(url)
    yield from _blobs(url)


def _in_header(name: str, value: str) -> Iterator[_ClearKey]:
    if name.lower() == "cookie":
        for match in re.finditer(r"([\w.-]+)=([^;{}\s]+)", value):
            if len(match[2]) >= _LEAST:
                yield _ClearKey(*match.span(2), match[1])
    elif _HEADER.fullmatch(name):
        yield from _credentials(name, value)
    yield from _formats(value)
    if name.lower() != "content-type":  # it may have a boundary
        yield from _blobs(value, name)


def _credentials(name: str, value: str) -> Iterator[_ClearKey]:
    """Yield the key that is the *value* of a header for credentials, or is next to its tokens."""
    scheme = _SCHEME.match(value) if _AUTHORIZATION.search(name) else None
    start = scheme.end() if scheme else 0
    is_scheme_alone = value.strip().isalpha()
    if "{{" in value:
        for match in _RUN.finditer(value):
            if _looks_random(match[0]):
                yield _ClearKey(*match.span(), _known_name(name))
    elif not is_scheme_alone and len(value) - start >= _LEAST:
        yield _ClearKey(start, len(value), _known_name(name))


def _in_body(body: str) -> Iterator[_ClearKey]:
    yield from _pairs(body, 0)
    for pattern in (_MEMBER, _ELEMENT, _ATTRIBUTE):
        for match in pattern.finditer(body):
            yield from _named(match)
    yield from _formats(body)


def _pairs(text: str, start: int) -> Iterator[_ClearKey]:
    for match in _PAIR.finditer(text, start):
        yield from _named(match)


def _named(match: re.Match[str]) -> Iterator[_ClearKey]:
    name, value = match[1], match[2].strip()
    is_clear = _looks_random(value) if name.lower() in _VAGUE else _NAME.fullmatch(name)
    if is_clear and len(value) >= _LEAST:
        yield _ClearKey(*match.span(2), name)


def _formats(text: str) -> Iterator[_ClearKey]:
    for match in _FORMATS.finditer(text):
        yield _ClearKey(*match.span(), "ApiKey")


def _blobs(text: str, name: str = "") -> Iterator[_ClearKey]:
    for match in _BLOB.finditer(text):
        if _looks_random(match[0]) and not name.lower().endswith("id"):
            yield _ClearKey(*match.span(), "ApiKey")


def _whole(text: str, name: str) -> Iterator[_ClearKey]:
    if "{{" not in text and len(text) >= _LEAST:
        yield _ClearKey(0, len(text), name)


def _looks_random(text: str) -> bool:
    """Return whether *text* is as mixed as keys are: sixteen characters, digits among letters."""
    has_digit, has_letter = any(map(str.isdigit, text)), any(map(str.isalpha, text))
    return len(text) >= 16 and has_digit and has_letter and len(set(text)) >= 10  # noqa: PLR2004


def _known_name(header: str) -> str:
    return "ApiKey" if _AUTHORIZATION.search(header) else header.removeprefix("X-")


class _SecretNames:
    """Names for new secrets: the same for the same key, and none that is taken."""

    def __init__(self, config: IntegrationConfig) -> None:
        tokens = {info.name for command in COMMANDS.values() for info in command.tokens}
        own = {name for command in config.commands for name in command.tokens}
        self._variables = config.variables
        self._taken = tokens | own | SYSTEM_NAMES | {*config.secrets}
        self._names: dict[str, str] = {}

    def name_for(self, key: str, name: str) -> str:
        """Return the name of a secret for *key*; *name* is that of its header or parameter."""
        if key not in self._names:
            is_variable = self._variables.get(name) == key
            wanted = name if is_variable else _pascal(name)
            taken = self._taken if is_variable else self._taken | self._variables.keys()
            free = (wanted, *(f"{wanted}{number}" for number in range(2, 1000)))
            self._names[key] = next(each for each in free if each not in taken)
            self._taken |= {self._names[key]}
        return self._names[key]


def _pascal(name: str) -> str:
    """Return *name* as tokens are named: ``api_key`` becomes ApiKey."""
    words = [word[:1].upper() + word[1:] for word in _WORD.findall(name)]
    joined = "".join(words)[:40]
    return joined if joined[:1].isalpha() and joined.isascii() else "ApiKey"


def secret_value(text: str, note: Problem) -> str:
    """Return the value of the key that *note* finds in *text*, without the encoding of its place.

    The token in its place is encoded again when it is filled.
    """
    start = note.start or 0
    typed, before = text[start : note.end], text[max(start - 2, 0) : start]
    if note.where.endswith(".url"):
        return unquote(typed)
    if not note.where.endswith(".body"):
        return typed
    if before.endswith(">") or before == '="':
        return html.unescape(typed)
    if before.endswith("="):
        return unquote_plus(typed)
    return _json_text(typed) if before.endswith('"') else typed


def _json_text(typed: str) -> str:
    try:
        return str(json.loads(f'"{typed}"', strict=False))
    except ValueError:
        return typed


def masked_url(url: str) -> str:
    """Return *url* for people who may not read its keys."""
    return _masked(url, _in_url(url))


def masked_body(body: str) -> str:
    """Return *body* for people who may not read its keys."""
    return _masked(body, _in_body(body))


def masked_variable(name: str, value: str) -> str:
    """Return the *value* of the variable *name* for people who may not read its keys."""
    return _masked(value, _in_variable(name, value))


def _masked(text: str, found: Iterator[_ClearKey]) -> str:
    for key in reversed(_apart(found)):
        text = text[: key.start] + MASK + text[key.end :]
    return text


def _apart(found: Iterator[_ClearKey]) -> list[_ClearKey]:
    """Return *found* in order, without those inside another."""
    apart: list[_ClearKey] = []
    for key in sorted(found, key=lambda each: (each.start, -each.end)):
        if not apart or key.start >= apart[-1].end:
            apart.append(key)
    return apart
