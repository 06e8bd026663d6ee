"""How values look on a page."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from django import template

register = template.Library()


@register.filter
def money(amount: Decimal) -> str:
    """Return *amount* with two decimals and commas between thousands: ``1,240.00``."""
    return f"{amount:,.2f}"


@register.filter
def day(value: date | None) -> str:
    """Return *value* as people write it, ``3 May 2024``; a dash where there is none."""
    return f"{value.day} {value:%b %Y}" if value else "–"
