"""Mail that is printed for people instead of sent: for the demo, and until a server is set."""

from __future__ import annotations

import sys
import threading
from collections.abc import Sequence
from typing import Final

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

_RULE: Final = "─" * 72
_one_at_a_time: Final = threading.Lock()


class EmailBackend(BaseEmailBackend):
    """Prints whom a mail is for, its subject and its text on standard output."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Print *email_messages*, and return how many they were."""
        with _one_at_a_time:
            for message in email_messages:
                sys.stdout.write(as_text(message))
            sys.stdout.flush()
        return len(email_messages)


def as_text(message: EmailMessage) -> str:
    """Return *message* as people read it."""
    to = ", ".join(message.recipients())
    return f"\n{_RULE}\nMail to {to}\n{message.subject}\n\n{str(message.body).strip()}\n{_RULE}\n"
