"""The languages of notices: their words and usual texts, and how each writes dates and amounts."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Final

from babel import Locale
from babel.core import UnknownLocaleError
from babel.dates import format_date
from babel.numbers import format_currency

from billhook.portal.fields.currencies import in_decimals

USUAL: Final = "en"
_CODES: Final = ("en", "de", "fr", "es")
_USUAL_LOCALE: Final = {"en": "en_GB"}


@dataclass(frozen=True, slots=True, kw_only=True)
class MailText:
    """The subject and the text of a mail, with tokens."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One language: its name in itself, its words by key, and its texts by kind of mail."""

    code: str
    name: str
    words: dict[str, str]
    texts: dict[str, MailText]


@cache
def language(code: str) -> Language:
    """Return the language with that code; English for one that doesn't exist here."""
    code = code if code in _CODES else USUAL
    file = resources.files("billhook.portal.notices") / "texts" / f"{code}.toml"
    read = tomllib.loads(file.read_text(encoding="utf-8"))
    texts = {
        kind: MailText(subject=text["subject"], body=text["body"].strip())
        for kind, text in read["texts"].items()
    }
    return Language(code=code, name=read["name"], words=read["words"], texts=texts)


def language_choices() -> list[tuple[str, str]]:
    """Return the codes and names of all languages."""
    return [(code, language(code).name) for code in _CODES]


def language_of(locale: str) -> str:
    """Return the code of the language of a *locale* such as ``de-AT``; empty if it isn't here."""
    code = locale.replace("_", "-").partition("-")[0].lower()
    return code if code in _CODES else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Writes dates and amounts as they are written in one place."""

    locale: Locale

    @classmethod
    def of(cls, code: str, locale: str) -> Writer:
        """Return the writer for a language, and for the *locale* of a customer if it fits."""
        fitting = locale.replace("-", "_") if language_of(locale) == code else ""
        for name in (fitting, _USUAL_LOCALE.get(code, code)):
            try:
                return cls(locale=Locale.parse(name))
            except (UnknownLocaleError, ValueError, TypeError):
                continue
        return cls(locale=Locale("en", "GB"))

    def day(self, value: date | None) -> str:
        """Return *value* as people write it; a dash where there is none."""
        return format_date(value, "long", locale=self.locale) if value else "–"

    def money(self, amount: Decimal, currency: str) -> str:
        """Return *amount* with its currency and all its decimals."""
        exact = in_decimals(amount, currency)
        return format_currency(exact, currency, locale=self.locale, decimal_quantization=False)
