"""The messages between the server and a reader process.

A request is a pickle: its plan is our own. A result is read with distrust, since the process had
hostile data in its memory: only plain values, and the few classes listed here, can be in it.
"""

from __future__ import annotations

import io
import pickle
import struct
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from billhook.engine.answer.content import Unreadable
from billhook.engine.errors import BillhookError

HEAD: Final = struct.Struct("!IQB")
"""The size of the request, the size of the body that follows, and how many files go along."""
RESULT_HEAD: Final = struct.Struct("!Q")
MAX_RESULT: Final = 64 * 1024 * 1024
"""Bytes of a result; a document goes into a file instead."""

_LONGEST_FAULT: Final = 200
_SAFE: Final = frozenset(
    {
        ("billhook.engine.tokens.values", "Given"),
        ("decimal", "Decimal"),
    }
)


class BrokenResult(Exception):
    """A reader process ended, or said something that isn't a result."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """Work on one response: ``work(content, values)``.

    Its result is a value, or the chunks of a document, which go into a file.
    """

    work: Callable[..., Any]
    status: int
    headers: tuple[tuple[str, str], ...]
    address: str
    given: dict[str, Any]


class _SafeUnpickler(pickle.Unpickler):
    """Reads plain values, and instances of the classes in ``_SAFE``."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """Return a class that does nothing but hold its values."""
        if (module_name, global_name) not in _SAFE:
            raise BrokenResult
        return super().find_class(module_name, global_name)


def pack_request(request: Request) -> bytes:
    """Return *request* as bytes."""
    return pickle.dumps(request, protocol=5)


def unpack_request(data: bytes) -> Request:
    """Return the request in *data*, which comes from the server itself."""
    request = pickle.loads(data)  # noqa: S301 - our own plan, not data of an origin
    assert isinstance(request, Request)  # noqa: S101
    return request


def pack_value(value: object) -> bytes:
    """Return the result *value* as bytes."""
    return pickle.dumps(("value", value), protocol=5)


def pack_error(error: BillhookError | Unreadable) -> bytes:
    """Return *error* as bytes: its class, its message, and its other facts."""
    if isinstance(error, Unreadable):
        return pickle.dumps(("unreadable", error.reason), protocol=5)
    facts = {name: value for name, value in vars(error).items() if name != "public_message"}
    return pickle.dumps(("error", (type(error).__name__, error.public_message, facts)), protocol=5)


def pack_fault(error: Exception) -> bytes:
    """Return where our own code failed, and how, as bytes; its text may hold a value."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    return pickle.dumps(("fault", f"{type(error).__name__} at {place}"), protocol=5)


def unpack_result(data: bytes) -> Any:
    """Return the value in *data*, or raise the error in it; BrokenResult where it is neither."""
    try:
        match _SafeUnpickler(io.BytesIO(data)).load():
            case ("value", value):
                return value
            case ("unreadable", str(reason)):
                raise Unreadable(reason)
            case ("fault", str(fault)):
                raise BrokenResult(fault[:_LONGEST_FAULT])
            case ("error", (str(name), str(message), dict(facts))) if name in _errors():
                raise _error(name, message, facts)
    except (pickle.UnpicklingError, ValueError, TypeError, EOFError, AttributeError, IndexError):
        raise BrokenResult from None
    raise BrokenResult


def _error(name: str, message: str, facts: dict[str, Any]) -> BillhookError:
    """Return an error as it was raised, without calling its own ``__init__`` again."""
    kind = _errors()[name]
    error = kind.__new__(kind)
    BillhookError.__init__(error, message)
    vars(error).update(facts)
    return error


def _errors() -> dict[str, type[BillhookError]]:
    return {kind.__name__: kind for kind in _kinds_of(BillhookError)}


def _kinds_of(kind: type[BillhookError]) -> Iterator[type[BillhookError]]:
    for each in kind.__subclasses__():
        yield each
        yield from _kinds_of(each)
