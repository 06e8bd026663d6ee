"""The problem that a service reports to a person: at which field, and how to fix it."""

from __future__ import annotations

from django.forms import BaseForm


class FieldProblem(Exception):
    """A request that can't be fulfilled until the person changes ``field``.

    The message is a whole sentence for that person.
    """

    def __init__(self, field: str, message: str) -> None:
        self.field = field
        self.message = message
        super().__init__(message)

    def show_in(self, form: BaseForm) -> None:
        """Put the message at its field in *form*, or above the form if it has no such field."""
        form.add_error(self.field if self.field in form.fields else None, self.message)
