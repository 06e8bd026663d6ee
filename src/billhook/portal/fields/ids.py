"""Short random names for rows: fit for a URL and for the phone, and not to be guessed."""

from __future__ import annotations

from typing import Final

from billhook.engine.record import ID_LENGTH, new_run_id

LENGTH: Final = ID_LENGTH


def new_id() -> str:
    """Return a new random id, made as a run's."""
    return new_run_id()
