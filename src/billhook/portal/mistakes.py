"""What a service says when a person can mend it: which field, and what to do."""

from __future__ import annotations

from django.forms import BaseForm


class Mistake(Exception):
    """Something that a person asked for can't be done as it stands. ``field`` is where to mend it.

    The message is a whole sentence for that person.
    """

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(message)

    def show_in(self, form: BaseForm) -> None:
        """Put the message at its field in *form*, or on top where the form has no such field."""
        form.add_error(self.field if self.field in form.fields else None, self.message)
