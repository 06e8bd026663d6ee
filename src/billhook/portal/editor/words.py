"""Choices of the editor that no description of a field has."""

from __future__ import annotations

from typing import Final

Choices = tuple[tuple[str, str], ...]

CONTENT_TYPES: Final[Choices] = (
    ("application/json", "JSON"),
    ("application/x-www-form-urlencoded", "Form data"),
    ("application/xml", "XML"),
)
NO_SCHEME: Final = "None here: the requests have everything they need"
