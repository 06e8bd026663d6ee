"""Values taken out of a step's response as new tokens: ``{{StepName.Name}}``."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.answer.paths import Found, Path, compile_path
from billhook.engine.config import MANY_MEAN, NONE_MEANS, ExtractConfig
from billhook.engine.errors import (
    AmbiguousAnswer,
    DocumentNotFound,
    MissingValue,
    Problem,
)
from billhook.engine.secret import Secret
from billhook.engine.tokens.catalogue import Value
from billhook.engine.tokens.text import Scope
from billhook.engine.tokens.values import Given, UnfitValue, Values, take_value

Scalar = str | int | float | Decimal | bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """One compiled extract. ``token`` is the full name, with the step's.

    ``url`` says that it may be a whole URL: then an empty text is none.
    """

    token: str
    path: Path
    none: str
    many: str
    secret: bool
    url: bool = False

    @property
    def tokens(self) -> tuple[str, ...]:
        """The names of the tokens that its path uses."""
        return self.path.tokens

    @property
    def weight(self) -> float:
        """The effort of taking it; see :mod:`billhook.engine.answer.effort`."""
        return self.path.weight

    def take(self, content: Content, values: Values) -> Given:
        """Return the value in *content*.

        Raises DocumentNotFound or MissingValue where there is none, as configured, AmbiguousAnswer
        where there are several, and MissingValue where it is no single value.
        """
        try:
            found = self._distinct(self.path.find(content, values))
        except Unreadable as unreadable:
            raise MissingValue(self.token, unreadable.reason) from None
        if not found:
            return self._nothing()
        if len(found) > 1 and self.many == "error":
            raise AmbiguousAnswer(self.token, len(found))
        value = found[-1 if self.many == "last" else 0]
        if self.url and isinstance(value, str):
            value = content.absolute(value)
        return self._given(value)

    def is_in(self, content: Content, values: Values) -> bool:
        """Return whether *content* has a value at the path."""
        try:
            return bool(self._distinct(self.path.find(content, values)))
        except Unreadable:
            return False

    def _distinct(self, found: list[Found]) -> list[Found]:
        """Leave out what says that there is nothing, and repetitions of the same value."""
        kept: dict[object, Found] = {}
        for value in found:
            if not self._is_nothing(value):
                kept.setdefault(_key(value), value)
        return list(kept.values())

    def _is_nothing(self, value: Found) -> bool:
        return value is None or (self.url and isinstance(value, str) and not value.strip())

    def _nothing(self) -> Given:
        if self.none == "empty":
            return take_value("")
        if self.none == "not-found":
            raise DocumentNotFound
        raise MissingValue(self.token, "The response doesn't hold it.")

    def _given(self, found: Found) -> Given:
        if isinstance(found, list | dict):
            raise MissingValue(self.token, "There is a list or an object instead of one value.")
        value: Value = _plain(found)
        try:
            return take_value(Secret(str(value)) if self.secret else value)
        except UnfitValue as unfit:
            raise MissingValue(self.token, f"The value found {unfit.reason}") from None


def _key(found: Found) -> object:
    """Return what equal values have in common; to compare each with each takes its square.

    A list or an object is no value that can be taken, so it need only equal itself.
    """
    return id(found) if isinstance(found, list | dict) else found


def _plain(found: Scalar) -> Value:
    """XPath's functions give floats; a whole one is meant as an integer."""
    if isinstance(found, float) and found.is_integer():
        return int(found)
    return found


def compile_extract(
    config: ExtractConfig, step: str, where: str, scope: Scope
) -> tuple[Extract | None, list[Problem]]:
    """Compile *config* of the step called *step*, or return everything that is wrong with it."""
    problems = [
        *_choice_problems("none", config.none, NONE_MEANS, where),
        *_choice_problems("many", config.many, MANY_MEAN, where),
    ]
    path, path_problems = compile_path(config.path, where, scope)
    problems += path_problems
    if path is None or problems:
        return None, problems
    token = f"{step}.{config.name}"
    extract = Extract(
        token=token,
        path=path,
        none=config.none,
        many=config.many,
        secret=config.secret,
        url=config.url,
    )
    return extract, []


def _choice_problems(key: str, value: str, choices: tuple[str, ...], where: str) -> list[Problem]:
    if value in choices:
        return []
    choice = f"{', '.join(choices[:-1])} or {choices[-1]}"
    message = f'"{value}" is nothing that {key} can be. Choose {choice}.'
    return [Problem(code="unknown-choice", message=message, where=f"{where}.{key}")]
