"""Days as programs and people of many countries write them.

A day such as 03/04/2025 can be read in two ways. The other days of its column prove the order of
day and month, or the person is asked; without a proof or a response the row is refused.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from django.utils import timezone

from billhook.portal.imports.reading.table import Cell


class DayOrder(StrEnum):
    """The order of day, month and year in days such as 03/04/2025."""

    DAY_FIRST = "day"
    MONTH_FIRST = "month"
    YEAR_FIRST = "year"


_MONTHS: Final = (
    "january januar janvier enero januari gennaio jan janv ene gen janner jaenner",
    "february februar fevrier febrero februari febbraio feb fev fevr",
    "march marz maerz mars marzo maart mar mrz mrt",
    "april avril abril aprile apr avr abr",
    "may mai mayo mei maggio mag",
    "june juni juin junio giugno jun giu",
    "july juli juillet julio luglio jul juil lug",
    "august aout agosto augustus aug ago",
    "september septembre septiembre settembre sep sept set",
    "october oktober octobre octubre ottobre oct okt ott",
    "november novembre noviembre nov",
    "december dezember decembre diciembre dicembre dec dez dic",
)
MONTH_NAMES: Final = {
    name: month for month, names in enumerate(_MONTHS, 1) for name in names.split()
}
_IGNORED: Final = (
    "monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun "
    "montag dienstag mittwoch donnerstag freitag samstag sonnabend sonntag mo di mi do fr sa "
    "so lundi mardi mercredi jeudi vendredi samedi dimanche lun mar mer jeu ven sam dim "
    "lunes martes miercoles jueves viernes sabado domingo mie jue vie sab dom "
    "maandag dinsdag woensdag donderdag vrijdag zaterdag zondag ma wo vr za zo "
    "lunedi martedi mercoledi giovedi venerdi sabato domenica gio "
    "the of st nd rd th er de del den le el il"
)
_WEEKDAYS_AND_PARTICLES: Final = frozenset(_IGNORED.split())
_TIME: Final = re.compile(
    r"(?:T|,?\s+)\d{1,2}[:h]\d{2}(?::\d{2}(?:[.,]\d+)?)?\s*"
    r"(?:[AaPp]\.?\s?[Mm]\.?)?\s*(?:Z|UTC|GMT|Uhr|[+-]\d{2}(?::?\d{2})?)?$"
)
_LONGEST: Final = 100
"""Characters of a cell that may be a day."""
_COMPACT: Final = re.compile(r"(\d{4})(\d{2})(\d{2})(?:T?\d{4,6}Z?)?")
_THREE: Final = re.compile(r"(\d{1,4})\s?([-/.\s])\s?(\d{1,2})\s?\2\s?(\d{1,4})\.?")
_WORDS: Final = re.compile(r"[^\W\d_]+|\d+")
_SERIAL: Final = re.compile(r"[2-7]\d{4}")
_FULL, _SHORT = 4, 2  # digits of a year
_DAY_AND_YEAR: Final = 2
_FIRST_YEAR: Final = 1900
_FIRST_DAY: Final = date(1899, 12, 30)
"""Day 0 of a spreadsheet's numbers for days."""
_YEARS_AHEAD: Final = 2
"""A year of two digits is no further ahead than this."""


def read_day(cell: Cell, order: DayOrder | None) -> date:
    """Return the day, or raise ValueError with a sentence.

    *order* is that of the column, as :func:`common_orders` found it or a person chose it.
    """
    if isinstance(cell, date):
        return cell
    text = str(cell)
    bare = _without_time(text)
    days = _readings(bare)
    if order is not None and len(set(days.values())) > 1:
        days = {order: days[order]} if order in days else {}
    found = set(days.values()) or _named(bare)
    if len(found) == 1:
        return found.pop()
    raise ValueError(_reason(text, bare, days))


def common_orders(cells: Iterable[Cell]) -> frozenset[DayOrder]:
    """Return the orders in which all days of a column can be read: one is a proof.

    None is left if two days contradict each other, such as 31/12/2025 and 12/31/2025.
    """
    common = set(DayOrder)
    for cell in set(cells):
        readings = _readings(_without_time(cell)) if isinstance(cell, str) else {}
        if readings:
            common &= readings.keys()
    return frozenset(common)


def is_ambiguous(cell: Cell) -> bool:
    """Return whether *cell* alone can be read as several days."""
    return isinstance(cell, str) and len(set(_readings(_without_time(cell)).values())) > 1


def _without_time(text: str) -> str:
    text = text.strip()
    return _TIME.sub("", text) if len(text) <= _LONGEST else text


def _readings(text: str) -> dict[DayOrder, date]:
    """Return the days that a text of three numbers can mean, by their order."""
    if compact := _COMPACT.fullmatch(text):
        return _whatever_the_order(_day(*compact.groups()))
    three = _THREE.fullmatch(text)
    if three is None:
        return {}
    first, separator, second, third = three.groups()
    if len(first) == _FULL:
        return _whatever_the_order(_day(first, second, third))
    parts = _orders(first, separator, second, third)
    return {order: day for order, *rest in parts if (day := _day(*rest))}


def _whatever_the_order(day: date | None) -> dict[DayOrder, date]:
    """Return a day that begins with its year: it proves nothing about others."""
    return dict.fromkeys(DayOrder, day) if day else {}


def _orders(
    first: str, separator: str, second: str, third: str
) -> Iterable[tuple[DayOrder, str, str, str]]:
    """Yield the possible orders, each with year, month and day."""
    if len(third) in {_SHORT, _FULL}:
        yield DayOrder.DAY_FIRST, third, second, first
        if separator != ".":
            yield DayOrder.MONTH_FIRST, third, first, second
    if len(first) == _SHORT and len(third) <= _SHORT:
        yield DayOrder.YEAR_FIRST, first, second, third


def _day(year: str, month: str, day: str) -> date | None:
    is_short = len(year) == _SHORT
    full = int(year) + 2000 if is_short else int(year)
    if is_short and full > timezone.localdate().year + _YEARS_AHEAD:
        return None
    try:
        found = date(full, int(month), int(day))
    except ValueError:
        return None
    return found if found.year >= _FIRST_YEAR else None


def _named(text: str) -> set[date]:
    """Return the day of a text that names its month: ``31-Dec-2025``, ``Dec 31, 2025``."""
    letters = unicodedata.normalize("NFKD", text.casefold())
    words = _WORDS.findall("".join(each for each in letters if not unicodedata.combining(each)))
    numbers = [word for word in words if word.isdigit()]
    names = [word for word in words if not word.isdigit()]
    known = [MONTH_NAMES[name] for name in names if name in MONTH_NAMES]
    others = [name for name in names if name not in MONTH_NAMES]
    if len(known) > 1:  # mar is a month and a weekday
        known = [MONTH_NAMES[name] for name in names if name in MONTH_NAMES and name != "mar"]
    if (
        len(known) != 1
        or len(numbers) != _DAY_AND_YEAR
        or not set(others) <= _WEEKDAYS_AND_PARTICLES
    ):
        return set()
    first, second = numbers
    year, day = (first, second) if len(first) == _FULL else (second, first)
    if len(year) not in {_SHORT, _FULL} or len(day) > _SHORT:
        return set()
    found = _day(year, str(known[0]), day)
    return {found} if found else set()


def _reason(text: str, bare: str, readings: dict[DayOrder, date]) -> str:
    if len(readings) > 1:
        return (
            f"{text} can be read in two ways. Choose the order of day and month, or write dates "
            "as 2024-05-31."
        )
    if _SERIAL.fullmatch(bare):
        day = _FIRST_DAY + timedelta(days=int(bare))
        return (
            f"{text} isn't a date. It may be the number of a spreadsheet for {day}: format the "
            "column as a date there."
        )
    return f"{text} isn't a date. Write it as 2024-05-31."
