"""The end of a run that its server cut off: a cancellation that carries its reason."""

from __future__ import annotations

from typing import Final

from billhook.engine.errors import BillhookError

SERVER_STOPPED: Final = "server-stopped"
"""The message with which a stopping server cancels the tasks of its requests."""


class ServerStopped(BillhookError):
    """The server stopped before the run ended."""

    code = SERVER_STOPPED
    status = 503
    exit_status = 4
    default_message = "The server stopped before the document arrived. Try again."

    @property
    def headers(self) -> tuple[tuple[bytes, bytes], ...]:
        """Give the seconds to wait, and close the connection."""
        return ((b"retry-after", b"5"), (b"connection", b"close"))


def is_server_stop(error: BaseException) -> bool:
    """Return whether *error* is the cancellation by a server that stops."""
    return SERVER_STOPPED in error.args
