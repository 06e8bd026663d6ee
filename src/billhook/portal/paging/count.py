"""Counts of rows that stop at a bound, so that a count costs no more than a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from django.db.models import QuerySet

MOST_COUNTED: Final = 10_000


@dataclass(frozen=True, slots=True, order=True)
class Count:
    """A number of rows: exact up to a bound, and "more than" that above it."""

    number: int
    is_more: bool = False

    def __str__(self) -> str:
        return f"more than {self.number:,}" if self.is_more else f"{self.number:,}"

    def __bool__(self) -> bool:
        return self.number > 0

    @property
    def is_one(self) -> bool:
        """Whether it is exactly one."""
        return self.number == 1 and not self.is_more

    @property
    def short(self) -> str:
        """The count for a narrow place: ``10,000+``."""
        return f"{self.number:,}+" if self.is_more else f"{self.number:,}"


def count_up_to(rows: QuerySet[Any], most: int = MOST_COUNTED) -> Count:
    """Return the number of *rows*, reading at most one more than *most* of them."""
    return counted(rows.order_by()[: most + 1].count(), most)


def count_all_up_to(parts: Sequence[QuerySet[Any]], most: int = MOST_COUNTED) -> Count:
    """Return the number of rows of all *parts*, none of which is in two of them."""
    numbers = (rows.order_by()[: most + 1].count() for rows in parts)
    return counted(sum(numbers), most)


def counted(number: int, most: int = MOST_COUNTED) -> Count:
    """Return the count for *number*, found by reading at most one row more than *most*."""
    return Count(min(number, most), is_more=number > most)
