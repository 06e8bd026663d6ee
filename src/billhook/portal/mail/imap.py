"""The mailbox that a setting names, read by IMAP, with limits on time and memory."""

from __future__ import annotations

import calendar
import contextlib
import imaplib
import socket  # noqa: TID251 - for closing the connection of imaplib
import ssl
import threading
from collections.abc import Iterator
from datetime import date
from typing import Any, Final

from billhook.engine.http.tls import make_client_context
from billhook.portal.mail.mailbox_failure import LoginRefused, mailbox_failure
from billhook.portal.mail.returned import MOST_BYTES
from billhook.portal.mail.server import MailboxAddress

_MOST_IN_ONE: Final = 4 * MOST_BYTES
"""Bytes that are taken from a server at once; it was asked for fewer."""
_MONTHS: Final = tuple(calendar.month_abbr)[1:]


class Mailbox:
    """An open folder. Numbers of messages count as long as its ``validity`` is the same."""

    def __init__(self, client: imaplib.IMAP4) -> None:
        self._client = client
        _, (text, *_) = client.response("UIDVALIDITY")
        self.validity: Final = _numbers(text or b"0")[0]

    def numbers_after(self, number: int, *, since: date) -> list[int]:
        """Return the numbers (UIDs) of later messages that came since a day, in order."""
        day = f"{since.day}-{_MONTHS[since.month - 1]}-{since.year}"
        status, data = self._client.uid("SEARCH", "UID", f"{number + 1}:*", "SINCE", day)
        _check(status)
        found = sorted(_numbers(data[0] or b""))
        return [each for each in found if each > number]  # "5:*" has the last one, even if it is 4

    def read(self, number: int) -> bytes:
        """Return the beginning of a message, which stays unread; nothing if it is gone."""
        _, data = self._client.uid("FETCH", str(number), f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
        return next((bytes(each[1]) for each in data if isinstance(each, tuple)), b"")

    def mark_read(self, number: int) -> None:
        """Mark a message as read, if the server allows that."""
        self._client.uid("STORE", str(number), "+FLAGS.SILENT", r"(\Seen)")


@contextlib.contextmanager
def open_mailbox(
    address: MailboxAddress, *, wait_seconds: float, seconds: float
) -> Iterator[Mailbox]:
    """Give the folder, waiting for each response and for all of them only so long.

    Raises:
        MailFailed: with the reason, if that isn't possible, also within the block.
    """
    context = make_client_context()
    try:
        with _client(address, context, timeout=wait_seconds, seconds=seconds) as client:
            if address.starttls:
                _check("OK" if "STARTTLS" in client.capabilities else "NO")
                client.starttls(context)
            _authenticate(client, address)
            status, _ = client.select(_quoted(address.folder))
            _check(status)
            yield Mailbox(client)
    except (imaplib.IMAP4.error, OSError, LoginRefused) as error:
        raise mailbox_failure(error, address) from None


class _LimitedClient(imaplib.IMAP4):
    """A client that hangs up after some time, and takes no endless response."""

    def __init__(self, host: str, port: int, *, seconds: float, **more: Any) -> None:
        self._is_overdue = False
        self._timer = threading.Timer(seconds, self._give_up)
        self._timer.daemon = True
        with self._limited():
            super().__init__(host, port, **more)

    def open(self, *arguments: Any, **more: Any) -> None:
        """Connect; from then on, the time counts."""
        super().open(*arguments, **more)
        self._timer.start()

    def read(self, size: int) -> bytes:
        """Read *size* bytes, which the server has announced."""
        if size > _MOST_IN_ONE:
            raise self.abort("too much at once")
        return super().read(size)

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Say goodbye if that is possible, and close the connection."""
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            self.logout()
        with contextlib.suppress(OSError):
            self.shutdown()
        self._timer.cancel()
        if self._is_overdue and isinstance(error, (imaplib.IMAP4.error, OSError)):
            raise TimeoutError

    @contextlib.contextmanager
    def _limited(self) -> Iterator[None]:
        """Report a connection that was closed in time as one that took too long."""
        try:
            yield
        except (imaplib.IMAP4.error, OSError):
            self._timer.cancel()
            if self._is_overdue:
                raise TimeoutError from None
            raise

    def _give_up(self) -> None:
        """Hang up under the thread that waits for the server."""
        self._is_overdue = True
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_RDWR)


class _LimitedTlsClient(_LimitedClient, imaplib.IMAP4_SSL):
    """The same with TLS from the start."""


def _client(address: MailboxAddress, context: ssl.SSLContext, **limits: float) -> _LimitedClient:
    if address.tls:
        return _LimitedTlsClient(address.host, address.port, ssl_context=context, **limits)
    return _LimitedClient(address.host, address.port, **limits)


def _authenticate(client: imaplib.IMAP4, address: MailboxAddress) -> None:
    name, password = address.user, address.password
    try:
        if "AUTH=PLAIN" in client.capabilities:
            client.authenticate("PLAIN", lambda _: f"\0{name}\0{password}".encode())
        else:
            client.login(_quoted(name), password)
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error:
        raise LoginRefused from None


def _check(status: str) -> None:
    if status != "OK":
        raise imaplib.IMAP4.error("refused")


def _numbers(text: bytes) -> list[int]:
    try:
        return [int(each) for each in text.split()]
    except ValueError:
        raise imaplib.IMAP4.abort("no number") from None


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
