"""The tokens of a mail's subject and text: checked when a member writes them, filled for a mail."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from billhook.engine.tokens.catalogue import nearest
from billhook.engine.tokens.text import Scope, Text, read_text

LIST: Final = "list"
"""The kind of mail that has several invoices."""
_OF_ALL: Final = {
    "ContactName": "the contact's name, or else their address",
    "OrganisationName": "your organisation's name",
}
_OF_INVOICE: Final = {
    "InvoiceNumber": "the invoice's number",
    "InvoiceDate": "its date",
    "DueDate": "its due date",
    "Amount": "its amount with the currency",
    "OpenAmount": "the amount that is still open, with the currency",
    "PoNumber": "the customer's order number",
    "CustomerName": "the customer's name",
}
_OF_LIST: Final = {"InvoiceCount": "the number of invoices in this mail"}


def tokens_of(kind: str) -> Mapping[str, str]:
    """Return the tokens that a mail of *kind* may use, each with its meaning."""
    return MappingProxyType(_OF_ALL | (_OF_LIST if kind == LIST else _OF_INVOICE))


def problem_of(text: str, kind: str) -> str:
    """Return a sentence about the first thing that is wrong with the tokens of *text*, or ""."""
    read, known = _read(text, kind), tokens_of(kind)
    for token in read.tokens:
        if token.name not in known:
            return _unknown(token.name, known)
    if read.problems:
        return read.problems[0].message
    if functions := [token for token in read.tokens if token.function]:
        name = functions[0].name
        return f"A mail can't use functions. Write {{{{{name}}}}} without what follows the |."
    return ""


def filled(text: str, kind: str, values: Mapping[str, str]) -> str:
    """Return *text* with its tokens replaced, each once: a value is never read as a token."""
    parts, position = [], 0
    for token in _read(text, kind).tokens:
        parts += [text[position : token.start], values.get(token.name, "")]
        position = token.end
    return "".join([*parts, text[position:]])


def _unknown(name: str, known: Mapping[str, str]) -> str:
    meant = nearest(name, known)
    hint = f"Did you mean {{{{{meant}}}}}?" if meant else "The list below has those of this mail."
    return f"There is no token {{{{{name}}}}} in this mail. {hint}"


def _read(text: str, kind: str) -> Text:
    scope = Scope(
        variables=MappingProxyType({}), secrets=frozenset(), tokens=frozenset(tokens_of(kind))
    )
    return read_text(text, "", scope)
