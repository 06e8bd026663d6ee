"""The one listening socket, and the limits that the system sets on a server."""

from __future__ import annotations

import errno
import resource
import socket  # noqa: TID251 - the server's own listening socket; nothing is connected with it
from typing import Final

from billhook.server.errors import CannotStart

_QUEUE: Final = 2048
"""The most connections that may wait to be accepted (the system may allow fewer)."""


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on *host* and *port*; port 0 takes a free one.

    Clients that connect from now on wait in its queue until the server is ready.

    Raises:
        CannotStart: with a sentence, if the address is taken, isn't ours or isn't allowed.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError:
        raise CannotStart(
            f"{host} is no address to listen on. Give one of this machine's, such as "
            "--host 127.0.0.1, or --host 0.0.0.0 for all of them."
        ) from None
    listening = socket.socket(family, kind, protocol)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
        listening.listen(_QUEUE)
    except OSError as error:
        listening.close()
        raise CannotStart(_why(error, host, port)) from None
    listening.set_inheritable(True)
    return listening


def address_of(listening: socket.socket) -> str:
    """Return the address of *listening* as a URL."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def raise_file_limit() -> None:
    """Let this process have as many connections as the system allows it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _why(error: OSError, host: str, port: int) -> str:
    match error.errno:
        case errno.EADDRINUSE:
            return (
                f"Port {port} of {host} is taken, perhaps by another Billhook. "
                "Stop that one, or choose another port with --port."
            )
        case errno.EACCES:
            return f"Port {port} is reserved for root. Choose one above 1023 with --port."
        case _:
            return f"{host} isn't an address of this machine. Give one that is with --host."
