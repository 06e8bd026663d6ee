"""Why the server can't start, in one sentence for who starts it."""

from __future__ import annotations


class CannotStart(Exception):
    """The server can't start; ``str(error)`` says why and what to do."""
