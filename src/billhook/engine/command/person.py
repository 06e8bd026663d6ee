"""The person in the response to LoginWithToken: where they are named, and what is found there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from billhook.engine.command.scope import all_steps
from billhook.engine.config import DEFAULT_ACCEPT, CommandConfig, ExtractConfig, PathConfig
from billhook.engine.errors import Problem
from billhook.engine.tokens.catalogue import LOGIN_COMMAND
from billhook.engine.tokens.values import Values

CONTACT_ID: Final = "ContactId"
CONTACT_EMAIL: Final = "ContactEmail"
_NAMES: Final = (CONTACT_ID, CONTACT_EMAIL)


@dataclass(frozen=True, slots=True, kw_only=True)
class NamedPerson:
    """A person as a source names them: by the source's own id, an e-mail address, or both."""

    contact_id: str
    email: str


def naming_person(config: CommandConfig) -> CommandConfig:
    """Return LoginWithToken with the default places of the person; any other command as it is.

    A step that extracts ``ContactId`` or ``ContactEmail`` says itself where they are. Otherwise
    they are at ``$.ContactId`` and ``$.ContactEmail`` in the last response.
    """
    if config.name != LOGIN_COMMAND or not config.steps or _is_named(config):
        return config
    last = config.steps[-1]
    default = tuple(
        ExtractConfig(name=name, path=PathConfig(kind="json", text=f"$.{name}"), none="empty")
        for name in _NAMES
    )
    return replace(
        config, steps=(*config.steps[:-1], replace(last, extract=(*last.extract, *default)))
    )


def _is_named(config: CommandConfig) -> bool:
    return any(each.name in _NAMES for step in all_steps(config.steps) for each in step.extract)


def person_problems(config: CommandConfig, where: str) -> Iterator[Problem]:
    """Yield what LoginWithToken has that only a command with a document may have."""
    if config.name != LOGIN_COMMAND or not config.steps:
        return
    for key, is_there in (
        ("answer", config.steps[-1].answer is not None),
        ("accept", config.accept != DEFAULT_ACCEPT),
    ):
        if is_there:
            message = (
                f"{LOGIN_COMMAND} names a person, so its response has no document. Remove {key}."
            )
            yield Problem(code="misplaced-key", message=message, where=f"{where}.{key}")


def person_in(values: Values) -> NamedPerson:
    """Return the person among *values*, those that a run of LoginWithToken ended with."""
    return NamedPerson(
        contact_id=_found(values, CONTACT_ID), email=_found(values, CONTACT_EMAIL).lower()
    )


def _found(values: Values, name: str) -> str:
    """Return what the last step that extracts *name* has found, or nothing."""
    found = (given.text for token, given in values.given.items() if token.endswith(f".{name}"))
    return next((text.strip() for text in reversed(list(found)) if text), "")
