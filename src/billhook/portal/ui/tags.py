"""The format of values on a page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django import template
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from billhook.portal.fields.currencies import shown_amount
from billhook.portal.fields.times import shown_day, shown_moment
from billhook.portal.ui import icons

register = template.Library()


@register.filter
def money(amount: Decimal, currency: str) -> str:
    """Return *amount* and its currency, with that currency's decimals: ``1,240.00 EUR``."""
    return shown_amount(amount, currency)


@register.filter
def day(value: date | None) -> str:
    """Return *value* as people write it, ``3 May 2024``; a dash where there is none."""
    return shown_day(value)


@register.filter
def moment(value: datetime, form: str = "minute") -> SafeString:
    """Return *value* in the reader's time zone; see :func:`shown_moment`."""
    return shown_moment(value, form)


@register.filter
def offers(choices: Iterable[tuple[str, str]], value: str) -> bool:
    """Say whether *value* is one of *choices*, so that one can be shown that isn't."""
    return any(value == each for each, _ in choices)


@register.filter
def of(rows: Mapping[str, Any], key: str) -> Any:
    """Return the row of *rows* that belongs to *key*, or None."""
    return rows.get(key)


@register.simple_tag(takes_context=True)
def here(context: Mapping[str, Any], name: str, *arguments: object) -> str:
    """Return the address of a contact's page: at an entrance, or as a member sees it, too."""
    entrance = context.get("entrance")
    if entrance is not None:
        return str(entrance.address(name, *arguments))
    contact = context.get("viewing_as")
    if contact is None:
        return reverse(name, args=arguments)
    return reverse(f"as:{name}", args=[contact.id, *arguments])


@register.simple_tag
def pay_key_of(keys: Mapping[str, str], invoice_id: str) -> str:
    """Return the key of the Pay button of an invoice; nothing if it has none."""
    return keys.get(invoice_id, "")


@register.simple_tag
def icon(name: str) -> SafeString:
    """Return the icon *name*; see :mod:`billhook.portal.ui.icons`."""
    return mark_safe(icons.svg(name))  # noqa: S308 - drawn by us, no value in it
