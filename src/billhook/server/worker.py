"""One of several server processes; started by :mod:`billhook.server.supervisor`."""

from __future__ import annotations

import os
import signal
import socket  # noqa: TID251 - it takes over the supervisor's listening socket
import sys
import threading

from billhook.server.composition import create_app
from billhook.server.connections.listener import raise_file_limit
from billhook.server.errors import CANNOT_START, CannotStart
from billhook.server.uvicorn_server import serve_in_this_process


def main(arguments: list[str]) -> int:
    """Serve on the inherited socket; end when the supervisor does. Return the exit status."""
    listening, alive = map(int, arguments)
    raise_file_limit()
    threading.Thread(target=_end_with_supervisor, args=(alive,), daemon=True).start()
    try:
        serve_in_this_process(create_app(), socket.socket(fileno=listening))
    except CannotStart:
        return CANNOT_START
    return 0


def _end_with_supervisor(alive: int) -> None:
    os.read(alive, 1)  # nobody ever writes: this returns when the other end is closed
    signal.raise_signal(signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
