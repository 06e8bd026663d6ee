"""The format of values on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from django import template
from django.utils.safestring import SafeString, mark_safe

from billhook.portal.ui import icons

register = template.Library()


@register.filter
def money(amount: Decimal) -> str:
    """Return *amount* with two decimals and commas between thousands: ``1,240.00``."""
    return f"{amount:,.2f}"


@register.filter
def day(value: date | None) -> str:
    """Return *value* as people write it, ``3 May 2024``; a dash where there is none."""
    return f"{value.day} {value:%b %Y}" if value else "–"


@register.filter
def offers(choices: Iterable[tuple[str, str]], value: str) -> bool:
    """Say whether *value* is one of *choices*, so that one can be shown that isn't."""
    return any(value == each for each, _ in choices)


@register.filter
def of(rows: Mapping[str, Any], key: str) -> Any:
    """Return the row of *rows* that belongs to *key*, or None."""
    return rows.get(key)


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return the icon *name*; see :mod:`billhook.portal.ui.icons`."""
    return mark_safe(icons.svg(name))  # noqa: S308 - drawn by us, no value in it
