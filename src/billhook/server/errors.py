"""Why the server can't start, in one sentence for who starts it."""

from __future__ import annotations

from typing import Final

CANNOT_START: Final = 2
"""The exit status of a process that can't start: starting it again wouldn't help."""


class CannotStart(Exception):
    """The server can't start; ``str(error)`` says why and what to do."""
