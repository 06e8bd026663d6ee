"""The location where an unforeseen error was raised, without its text, which may be secret."""

from __future__ import annotations

import traceback
from pathlib import PurePath
from typing import Any, Final

_FRAMES: Final = 8


def facts(error: BaseException) -> dict[str, Any]:
    """Return the kind of *error* and the innermost places that it passed, for a log line."""
    stack = traceback.extract_tb(error.__traceback__)[-_FRAMES:]
    at = [f"{PurePath(frame.filename).name}:{frame.lineno} {frame.name}" for frame in stack]
    return {"error": type(error).__name__, "at": at}
