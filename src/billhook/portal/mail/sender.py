"""The part of the server that sends mail again which failed before."""

from __future__ import annotations

import asyncio
import threading
from typing import Final

from django.db import connections

from billhook.portal.mail.background import Work, run_safely
from billhook.portal.mail.delivery import deliver_due_mail
from billhook.portal.mail.status import check_mail_if_due, check_mail_soon

LOOK_EVERY: Final = 10.0
"""Seconds between two looks for mail that is due."""
_PATIENCE: Final = 2.0
"""Seconds that a stop waits for a mail server; a mail in hand is sent again after its lease."""


class MailSender:
    """Looks for due mail in a thread of its own, in each server process.

    New mail doesn't wait for it: :mod:`billhook.portal.mail.outbox` sends that right away.
    """

    def __init__(self, *, look_every: float = LOOK_EVERY) -> None:
        self._look_every = look_every
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    async def start(self) -> None:
        """Start looking."""
        self._ended.clear()
        self._thread = threading.Thread(target=self._work, name="mail-sender", daemon=True)
        self._thread.start()

    async def stop(self, *, seconds: float) -> None:
        """End, without waiting long for a mail server that doesn't respond."""
        self._ended.set()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join, min(_PATIENCE, seconds))
            self._thread = None

    def _work(self) -> None:
        self._do(check_mail_soon)
        while not self._ended.is_set():
            self._do(check_mail_if_due)
            self._do(deliver_due_mail)
            self._ended.wait(self._look_every)

    def _do(self, work: Work) -> None:
        try:
            run_safely(work)
        finally:
            connections.close_all()
