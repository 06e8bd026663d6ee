"""Passwords and passphrases: typed, from a file, from a variable or from standard input.

Never from an argument, which other programs of the machine and the shell's history can read.
"""

from __future__ import annotations

import sys
from typing import Final, overload

import click

from billhook.cli.values import fail, secret_from_environment, secret_from_file
from billhook.engine.secret import Secret

PLACES: Final = "prompt|stdin|env:VAR|file:PATH"


def read_password(place: str, *, option: str, what: str, confirm: bool) -> Secret:
    """Return the secret at *place*: ``prompt``, ``stdin``, ``env:VARIABLE`` or ``file:PATH``.

    *what* is its name in the prompt and in errors; a new one is typed twice (*confirm*).
    """
    kind, _, at = place.partition(":")
    match kind:
        case "prompt" if not at:
            return _prompt(option=option, what=what, confirm=confirm)
        case "stdin" if not at:
            value = sys.stdin.readline().rstrip("\r\n")
        case "env" if at:
            value = secret_from_environment(at, option)
        case "file" if at:
            value = secret_from_file(at, option)
        case _:
            fail(
                "usage",
                f"{option} says where the {what} is: prompt, stdin, env:VARIABLE or file:PATH. The "
                f"{what} itself is never an argument, where other programs could read it.",
                where=option,
            )
    if not value:
        fail("empty", f"The {what} is empty.", where=option)
    return Secret(value)


@overload
def read_new_password(place: str) -> Secret: ...
@overload
def read_new_password(place: str | None) -> Secret | None: ...
def read_new_password(place: str | None) -> Secret | None:
    """Return the new password at *place*, or None where none is given."""
    if place is None:
        return None
    return read_password(place, option="--password", what="password", confirm=True)


def _prompt(*, option: str, what: str, confirm: bool) -> Secret:
    if not sys.stdin.isatty():
        fail(
            "no-terminal",
            f"There is no terminal to ask for the {what}. Give it with {option} file:PATH, "
            f"{option} env:VARIABLE or {option} stdin.",
            where=option,
        )
    value: str = click.prompt(
        what.capitalize(), hide_input=True, confirmation_prompt=confirm, err=True
    )
    return Secret(value)
