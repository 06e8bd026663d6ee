"""The types of fields: each has the limits of the row's own field, and the rule of the forms."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, TypeAlias

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db.models import Model
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from billhook.portal.fields.currencies import CURRENCY_PATTERN, CURRENCY_SENTENCE
from billhook.portal.fields.names import (
    LOCALE_PATTERN,
    LOCALE_SENTENCE,
    SENTENCE,
    has_unseen,
)

_AMOUNT: Final = r"^-?[0-9]{1,12}(\.[0-9]{1,3})?$"
_DAY: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"


def example(of: Mapping[str, Any], *, is_request: bool = False) -> ConfigDict:
    """Return the settings of fields whose example is *of*."""
    schema: Any = {"example": dict(of)}
    if is_request:
        return ConfigDict(extra="forbid", strict=True, json_schema_extra=schema)
    return ConfigDict(json_schema_extra=schema)


class ApiFields(BaseModel):
    """Fields of a request: no others are taken, and none is converted from another type."""

    model_config = ConfigDict(extra="forbid", strict=True)


class ShownFields(BaseModel):
    """Fields of a response."""


@dataclass(frozen=True, slots=True)
class TextOf:
    """The text that fits the field *name* of *model*: trimmed, with visible characters only."""

    model: type[Model]
    name: str
    least: int = 1

    def __get_pydantic_core_schema__(self, *_: Any) -> CoreSchema:
        field: Any = self.model._meta.get_field(self.name)  # noqa: SLF001 - Django's way to fields
        text = core_schema.str_schema(
            strip_whitespace=True, min_length=self.least, max_length=field.max_length
        )
        return core_schema.no_info_after_validator_function(_visible, text)


def _visible(text: str) -> str:
    if has_unseen(text):
        raise PydanticCustomError("unseen", "{sentence}", {"sentence": SENTENCE})
    return text


IdText: TypeAlias = Annotated[str, Field(max_length=40), AfterValidator(_visible)]
"""An id in a body: whatever is sent, a database can look for it."""


def _matching(pattern: str, sentence: str, *, may_be_empty: bool = False) -> AfterValidator:
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if not (may_be_empty and not text) and not compiled.fullmatch(text):
            raise PydanticCustomError("pattern", "{sentence}", {"sentence": sentence})
        return text

    return AfterValidator(check)


def _in_schema(**schema: object) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **schema})


def _reads(kind: type, read: Callable[[str], Any], sentence: str) -> BeforeValidator:
    """Return the validator of a text that *read* makes a value of; a ValueError refuses it."""

    def convert(value: object) -> object:
        if not isinstance(value, str):
            raise PydanticCustomError("text", "{sentence}", {"sentence": sentence})
        try:
            return read(value)
        except (ValueError, ArithmeticError):
            raise PydanticCustomError(kind.__name__, "{sentence}", {"sentence": sentence}) from None

    return BeforeValidator(convert)


def _read_amount(text: str) -> Decimal:
    if not re.fullmatch(_AMOUNT, text, re.ASCII):
        raise ValueError(text)
    return Decimal(text)


def _read_day(text: str) -> date:
    if not re.fullmatch(_DAY, text, re.ASCII):
        raise ValueError(text)
    return date.fromisoformat(text)


def _read_moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(text)
    return moment.astimezone(UTC)


def _check_email(text: str) -> str:
    try:
        validate_email(text)
    except ValidationError:
        sentence = "This isn't an e-mail address, such as dana@acme.com."
        raise PydanticCustomError("email", "{sentence}", {"sentence": sentence}) from None
    return text


def rfc3339(moment: datetime) -> str:
    """Return *moment* in UTC: ``2026-03-31T09:30:00.123456Z``."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


Currency: TypeAlias = Annotated[
    str,
    _matching(CURRENCY_PATTERN, CURRENCY_SENTENCE),
    AfterValidator(str.upper),
    _in_schema(pattern=CURRENCY_PATTERN, examples=["EUR"]),
]
Locale: TypeAlias = Annotated[
    str,
    _matching(LOCALE_PATTERN, LOCALE_SENTENCE, may_be_empty=True),
    _in_schema(pattern=f"^$|{LOCALE_PATTERN}", maxLength=16, examples=["en-GB"]),
]
Email: TypeAlias = Annotated[
    str, AfterValidator(_check_email), _in_schema(format="email", maxLength=254)
]
Amount: TypeAlias = Annotated[
    Decimal,
    _reads(Decimal, _read_amount, "Write the amount as a text with digits, such as 1240.00."),
    _in_schema(pattern=_AMOUNT, examples=["1240.00"]),
]
Day: TypeAlias = Annotated[
    date,
    _reads(date, _read_day, "Write the date as 2026-05-31."),
    _in_schema(format="date", examples=["2026-05-31"]),
]
Moment: TypeAlias = Annotated[
    datetime,
    _reads(datetime, _read_moment, "Write the time as 2026-05-31T09:30:00Z, with its offset."),
    _in_schema(format="date-time", examples=["2026-05-31T09:30:00Z"]),
]
ShownMoment: TypeAlias = Annotated[
    datetime, PlainSerializer(rfc3339, return_type=str), _in_schema(format="date-time")
]
ShownAmount: TypeAlias = Annotated[str, _in_schema(pattern=_AMOUNT, examples=["1240.00"])]
