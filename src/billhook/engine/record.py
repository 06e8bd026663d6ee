"""The record of one run: facts and codes, without a URL, a token's value or a secret."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from billhook.engine.http.trace import Attempt

ID_LENGTH: Final = 12
_ALPHABET: Final = b"0123456789abcdefghjkmnpqrstvwxyz"
_BYTE_TO_CHARACTER: Final = _ALPHABET * (256 // len(_ALPHABET))


def new_run_id() -> str:
    """Return a new random id: 12 characters of Crockford's base 32, 60 bits.

    It is fit for a URL, can be read out on the phone, and can't be guessed.
    """
    return secrets.token_bytes(ID_LENGTH).translate(_BYTE_TO_CHARACTER).decode("ascii")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run: who used which command, and how it went.

    ``kind`` is what the run was for: ``view``, ``download``, ``try`` or ``api``. ``outcome`` is
    ``ok`` or the error's code, and ``reason`` refines it (a verdict, the phase of a
    time limit), if there is one. Ids that don't apply are None. ``part_of`` is the first run of the
    same click, where that had to ask several sources.
    """

    id: str
    organisation_id: str
    integration_id: str | None
    command: str
    kind: str
    user_id: str | None = None
    api_key_id: str | None = None
    invoice_id: str | None = None
    outcome: str
    reason: str = ""
    attempts: tuple[Attempt, ...] = ()
    started_at: datetime
    milliseconds: float
    document_bytes: int = 0
    media_type: str = ""
    part_of: str = ""
