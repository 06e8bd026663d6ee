"""Work that test_readers.py gives to a reader process: some of it misbehaves."""

from __future__ import annotations

import _socket
import os
import signal
from typing import Any

from billhook.engine.errors import AmbiguousAnswer, MissingValue, SourceStatus, SourceTooLarge

ERRORS = {
    "MissingValue": lambda: MissingValue("Find.Id", "There is nothing."),
    "AmbiguousAnswer": lambda: AmbiguousAnswer("Find.Id", 3),
    "SourceStatus": lambda: SourceStatus(500),
    "SourceTooLarge": lambda: SourceTooLarge(25),
}


def pid(content: Any, values: Any) -> int:
    return os.getpid()


def everything(content: Any, values: Any) -> dict[str, object]:
    return {
        "status": content.status,
        "header": content.header("x-a"),
        "text": content.text().strip(),
        "given": list(values.given),
    }


def fail(name: str, content: Any, values: Any) -> None:
    error = ERRORS[name]()
    raise error


def as_json(content: Any, values: Any) -> object:
    return content.json()


def forever(content: Any, values: Any) -> None:
    while True:
        pass


def large(content: Any, values: Any) -> int:
    return len([b"x" * 1_000_000 for _ in range(2_000)])


def fault(content: Any, values: Any) -> object:
    return {}["a value"]


def crash(content: Any, values: Any) -> None:
    signal.raise_signal(signal.SIGSEGV)


def _refused(what: Any) -> str:
    try:
        what()
    except OSError:
        return "refused"
    return "done"


def open_a_file(content: Any, values: Any) -> str:
    return _refused(lambda: os.open("/etc/passwd", os.O_RDONLY))


def open_a_socket(content: Any, values: Any) -> str:
    return _refused(_socket.socket)


def start_a_process(content: Any, values: Any) -> str:
    return _refused(os.fork)


def send_a_signal(content: Any, values: Any) -> str:
    return _refused(lambda: os.kill(os.getppid(), 0))
