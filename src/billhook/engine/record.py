"""The record of one run: facts and codes, without a URL, a token's value or a secret."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from typing import Final, NamedTuple

from billhook.engine.http.trace import Attempt

ID_LENGTH: Final = 12
_ALPHABET: Final = b"0123456789abcdefghjkmnpqrstvwxyz"
_BYTE_TO_CHARACTER: Final = _ALPHABET * (256 // len(_ALPHABET))
_MADE_TOGETHER: Final = 256
_ready: Final[list[str]] = []
"""Ids that were made and not used yet: the system is asked for random bytes once for many."""
os.register_at_fork(after_in_child=_ready.clear)


def new_run_id() -> str:
    """Return a new random id: 12 characters of Crockford's base 32, 60 bits.

    It is fit for a URL, can be read out on the phone, and can't be guessed.
    """
    try:
        return _ready.pop()
    except IndexError:
        text = secrets.token_bytes(ID_LENGTH * _MADE_TOGETHER).translate(_BYTE_TO_CHARACTER)
        ids = [text[at : at + ID_LENGTH].decode() for at in range(0, len(text), ID_LENGTH)]
        _ready.extend(ids[1:])
        return ids[0]


class RunRecord(NamedTuple):
    """One run: who used which command, and how it went.

    ``kind`` is what the run was for: ``view``, ``download``, ``try`` or ``api``. ``outcome`` is
    ``ok`` or the error's code, and ``reason`` refines it (a verdict, the phase of a
    time limit), if there is one. Ids that don't apply are None. ``customer_id`` is the customer
    of a statement; ``part_of`` is the first run of a click that asked several sources.
    """

    id: str
    organisation_id: str
    integration_id: str | None
    command: str
    kind: str
    outcome: str
    started_at: datetime
    milliseconds: float
    reason: str = ""
    attempts: tuple[Attempt, ...] = ()
    user_id: str | None = None
    api_key_id: str | None = None
    invoice_id: str | None = None
    customer_id: str | None = None
    document_bytes: int = 0
    media_type: str = ""
    part_of: str = ""
