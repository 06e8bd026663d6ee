"""Django's way to a mail server, with a limit on the whole conversation, and our way to judge TLS.

Django's time limit is for each read: a server that drips one character after another would keep a
thread for hours. Its certificate is judged as that of a source and of a mailbox is.
"""

from __future__ import annotations

import contextlib
import smtplib
import socket  # noqa: TID251 - for closing the connection of smtplib
import ssl
import threading
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any, Final

from django.core.mail import EmailMessage
from django.core.mail.backends import smtp

from billhook.engine.http.tls import make_client_context

CONVERSATION_SECONDS: Final = 90.0
"""Less than the lease of a mail, after which another process may send it."""


class LimitedSmtp(smtp.EmailBackend):
    """A connection to the mail server; TimeoutError when a conversation takes too long."""

    conversation_seconds: float | None = None
    """The time for a conversation, where a caller has less patience than usual."""
    _client: smtplib.SMTP | None = None
    _is_overdue = False

    @property
    def connection_class(self) -> Any:
        """The class of smtplib, which notes itself here before its constructor begins to talk."""
        backend, kind = self, super().connection_class

        class NotedClient(kind):  # type: ignore[misc,valid-type]
            def connect(self, *arguments: Any, **more: Any) -> Any:
                backend._client = self
                return super().connect(*arguments, **more)

        return NotedClient

    @cached_property
    def ssl_context(self) -> ssl.SSLContext:
        """The context for TLS, from the first byte or after STARTTLS."""
        return make_client_context()

    def open(self) -> bool | None:
        """Connect and authenticate; return whether that was necessary."""
        with self._limited():
            return super().open()

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Send them; return how many."""
        with self._limited():
            return super().send_messages(email_messages) or 0

    @contextlib.contextmanager
    def _limited(self) -> Iterator[None]:
        timer = threading.Timer(self.conversation_seconds or CONVERSATION_SECONDS, self._hang_up)
        timer.daemon = True
        timer.start()
        try:
            yield
        except (smtplib.SMTPException, OSError):
            if self._is_overdue:
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()

    def _hang_up(self) -> None:
        """End the conversation under the thread that waits for the server."""
        self._is_overdue = True
        with contextlib.suppress(OSError, AttributeError):
            self._client.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
