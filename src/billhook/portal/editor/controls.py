"""The input for each kind of value in the editor's form."""

from __future__ import annotations

from typing import Final

from billhook.portal.editor.input_kinds import (
    NO,
    ON,
    YES,
    InputKind,
    lines_text,
    number_of,
    number_text,
    optional_boolean_text,
    stripped,
    whole_number_of,
    words_of,
)
from billhook.portal.editor.lists.texts import LIST_INPUT_KINDS

INPUT_KINDS: Final = {
    "text": InputKind(read=stripped),
    "name": InputKind(read=stripped),
    "exact": InputKind(),
    "lines": InputKind(control="lines", show=lines_text),
    "body": InputKind(control="lines", show=lines_text),
    "choice": InputKind(control="choice", read=str, show=str),
    "boolean": InputKind(control="tick", read=bool, show=lambda value: ON if value else ""),
    "optional-boolean": InputKind(
        control="choice", read={YES: True, NO: False}.get, show=optional_boolean_text
    ),
    "number": InputKind(read=number_of, show=number_text),
    "whole-number": InputKind(read=whole_number_of, show=str),
    "words": InputKind(read=words_of, show=", ".join),
    **LIST_INPUT_KINDS,
}
"""The input for a value of each kind. The control "choice" has the options of its field."""
