"""Sending mail in the background, so that no page waits for a mail server."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Final

import structlog
from django.core.mail import EmailMessage

_log = structlog.get_logger("billhook.mail")
_POOL: Final = ThreadPoolExecutor(max_workers=2, thread_name_prefix="mail")
_on_the_way: set[Future[None]] = set()
_lock: Final = threading.Lock()


def post(message: EmailMessage) -> None:
    """Send *message* in the background. A failure is logged, without address or text."""
    future = _POOL.submit(_send, message)
    with _lock:
        _on_the_way.add(future)
    future.add_done_callback(_forget)


def settle() -> None:
    """Wait until all mail that was posted so far has been sent, or has failed."""
    with _lock:
        waiting = set(_on_the_way)
    wait(waiting)


def _send(message: EmailMessage) -> None:
    try:
        message.send()
    except Exception as error:  # noqa: BLE001 - the thread's edge: nobody else would learn of it
        _log.error("mail_failed", error=type(error).__name__)


def _forget(future: Future[None]) -> None:
    with _lock:
        _on_the_way.discard(future)
