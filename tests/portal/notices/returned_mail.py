"""Samples of mail that comes back, as the mail systems of the world write it."""

from __future__ import annotations

import re
from datetime import timedelta
from email.utils import format_datetime
from pathlib import Path

from django.utils import timezone

from billhook.portal.notices.bounces.mark import mark_of
from billhook.portal.notices.models import NoticeMailing

SAMPLES = Path(__file__).parent / "returned"


def sample(
    name: str, mailing: NoticeMailing, *, mark: str = "", ago: timedelta = timedelta()
) -> bytes:
    """Return a sample that is about *mailing*, or has another *mark*, written some time ago."""
    text = (SAMPLES / f"{name}.eml").read_text()
    text = text.replace("MARK", mark or mark_of(mailing.id))
    written = format_datetime(timezone.now() - ago)
    text = re.sub(r"^Date: .*", f"Date: {written}", text, count=1, flags=re.MULTILINE)
    return re.sub(r"\bTO\b", mailing.to, text).encode()
