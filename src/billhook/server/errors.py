"""Reasons why the server can't start or an operator's command can't be done, as sentences."""

from __future__ import annotations

from typing import Final

CANNOT_START: Final = 2
"""The exit status of a process that can't start: starting it again wouldn't help."""


class Refusal(Exception):
    """A command can't do what it was asked to do; ``str(error)`` says why, and what to do instead.

    ``code`` is stable; ``where`` names the argument, option or setting to change.
    """

    def __init__(self, code: str, message: str, *, where: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.where = where


class CannotStart(Refusal):
    """The server can't start; ``str(error)`` says why and what to do."""

    def __init__(self, message: str) -> None:
        super().__init__("cannot-start", message)
