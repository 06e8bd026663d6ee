"""Days and times as people read them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Final

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString


def shown_day(value: date | None) -> str:
    """Return *value* as people write it, ``3 May 2024``; a dash where there is none."""
    if isinstance(value, datetime):
        value = timezone.localtime(value)
    return f"{value.day} {value:%b %Y}" if value else "–"


_MOMENTS: Final[dict[str, Callable[[datetime], str]]] = {
    "minute": lambda local: f"{shown_day(local)}, {local:%H:%M}",
    "second": lambda local: f"{shown_day(local)}, {local:%H:%M:%S}",
    "short": lambda local: f"{local.day} {local:%b, %H:%M}",
    "clock": lambda local: f"{local:%H:%M:%S}",
}


def shown_moment(value: datetime, form: str = "minute") -> SafeString:
    """Return *value* in the reader's time zone, with its name: ``3 May 2024, 10:42 CEST``.

    *form* is ``minute``, ``second``, ``short`` (no year) or ``clock`` (no date).
    """
    local = timezone.localtime(value)
    zone = local.strftime("%Z")
    shown = f"{_MOMENTS[form](local)} {zone if zone.isalpha() else f'UTC{zone}'}"
    exact = value.astimezone(UTC).isoformat(timespec="seconds")
    return format_html('<time datetime="{}">{}</time>', exact, shown)
