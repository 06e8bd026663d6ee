"""A model field of our own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField  # Django's fields take no type arguments when they run


class OrderedJSONField(_TextField):
    """JSON that keeps the order in which it was written.

    PostgreSQL's jsonb, Django's choice, sorts keys; but a member's input keeps its order, and
    tokens derived from others are filled in order. It can't be searched.
    """

    def from_db_value(
        self, value: str | None, _expression: Any, _connection: BaseDatabaseWrapper
    ) -> Any:
        """Return what was stored."""
        return None if value is None else json.loads(value)

    def to_python(self, value: Any) -> Any:
        """Return *value* as it is: it is no text."""
        return value

    def get_prep_value(self, value: Any) -> str | None:
        """Return the text to store."""
        return None if value is None else json.dumps(value, ensure_ascii=False)
