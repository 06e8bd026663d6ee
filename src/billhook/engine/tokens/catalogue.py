"""The catalogue: the commands that Billhook knows, the tokens of each, and what a name may be."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from billhook.engine.secret import Secret

Value = str | int | float | Decimal | bool | None | date | Secret
"""A value for a token. Its own type decides how it is written bare in JSON."""

LOGIN_COMMAND: Final = "LoginWithToken"
"""The command that names the person who came with a sign-in token."""
LOGIN_TOKENS: Final = ("authToken", "LoginToken")
"""The names of that token."""
PAYMENT_COMMAND: Final = "GetPaymentLink"
"""The command that gives the address of a page where one invoice can be paid."""
STATEMENT_COMMAND: Final = "GetStatement"
"""The command that gives the statement of a customer for a period, as a document."""

NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
"""Names of tokens, variables, secrets, steps and commands: ASCII, so that none looks alike."""
NAME_RULE: Final = (
    "Names consist of the letters A to Z and a to z, digits and underscores, "
    "begin with a letter and have at most 64 characters."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenInfo:
    """One token for people: ``kind`` is text, number, date or boolean."""

    name: str
    meaning: str
    kind: str = "text"
    example: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueCommand:
    """A command that the portal itself uses, with the tokens that it gives."""

    name: str
    meaning: str
    tokens: tuple[TokenInfo, ...]


_INVOICE: Final = (
    TokenInfo(
        name="InvoiceNumber",
        meaning="The number printed on the invoice. It is text: 00123 keeps its zeros.",
        example="INV0000001",
    ),
    TokenInfo(
        name="InvoiceId",
        meaning="Your own system's id of the invoice, if the import brought one; else the number.",
        example="48211",
    ),
    TokenInfo(name="InvoiceDate", meaning="The invoice's date.", kind="date", example="2026-03-31"),
    TokenInfo(
        name="DueDate",
        meaning="The day by which it must be paid.",
        kind="date",
        example="2026-04-30",
    ),
    TokenInfo(
        name="Amount", meaning="The total, with a decimal point.", kind="number", example="1240.00"
    ),
    TokenInfo(
        name="OpenAmount",
        meaning="What is still to be paid, with a decimal point.",
        kind="number",
        example="310.00",
    ),
    TokenInfo(name="Currency", meaning="The currency, as in ISO 4217.", example="EUR"),
    TokenInfo(
        name="InvoiceStatus",
        meaning="The invoice's status: open, paid, part-paid, void.",
        example="open",
    ),
)
_CUSTOMER: Final = (
    TokenInfo(name="CustomerNumber", meaning="Your own number of the customer.", example="C-10042"),
    TokenInfo(name="CustomerName", meaning="The customer's name.", example="Miller & Sons Ltd"),
)
_PERSON: Final = (
    TokenInfo(
        name="ContactEmail",
        meaning="The e-mail address of the person who clicked VIEW or Pay.",
        example="ann@miller.example",
    ),
    TokenInfo(
        name="ContactName",
        meaning="The name of the person who clicked VIEW or Pay.",
        example="Ann Miller",
    ),
)
_WHERE_FROM: Final = (
    TokenInfo(name="Locale", meaning="The reader's language, as in BCP 47.", example="en-GB"),
    TokenInfo(name="OrganisationName", meaning="Your organisation's name.", example="Acme Telecom"),
)

_PAGE: Final = (
    TokenInfo(
        name="PageNumber",
        meaning="The number of the page, in pages by number. Billhook sets it, like the others "
        "here, and only in the request that is paged.",
        kind="number",
        example="1",
    ),
    TokenInfo(
        name="Offset",
        meaning="The number of rows before the page, in pages by offset.",
        kind="number",
        example="200",
    ),
    TokenInfo(
        name="PageSize", meaning="The number of rows to ask for.", kind="number", example="100"
    ),
    TokenInfo(
        name="PageToken",
        meaning="The token from the page before; empty for the first one.",
        example="eyJpZCI6MTB9",
    ),
    TokenInfo(
        name="LastId",
        meaning="The id of the last row of the page before; 0 for the first page.",
        example="48211",
    ),
    TokenInfo(
        name="ChangedSince",
        meaning="The time since which rows are asked for, in the format of changes. In a full run "
        "it is changes.start, or the beginning of 1970.",
        example="2026-03-31T09:30:00.000Z",
    ),
    TokenInfo(
        name="ChangedUntil",
        meaning="The end of the slice that is asked for; of the last slice, a day from now.",
        example="2026-04-30T09:30:00.000Z",
    ),
)
_CUSTOMER_ID: Final = TokenInfo(
    name="CustomerId",
    meaning="Your own system's id of the customer, if the sync or import brought one; else the "
    "number. With for_each it may be several, with commas.",
    example="1042",
)
_PERIOD: Final = (
    TokenInfo(
        name="StatementStart",
        meaning="The first day of the statement.",
        kind="date",
        example="2026-03-01",
    ),
    TokenInfo(
        name="StatementEnd",
        meaning="The last day of the statement, which belongs to it.",
        kind="date",
        example="2026-03-31",
    ),
)

SYSTEM_TOKENS: Final = (
    TokenInfo(
        name="RunId",
        meaning="The id of this run, as in the list of runs. Billhook makes it.",
        example="01jq3zk6n8v2x4",
    ),
    TokenInfo(
        name="Timestamp",
        meaning="The moment of this run in UTC. Billhook makes it.",
        example="2026-03-31T09:30:00Z",
    ),
)
"""Tokens that every command may use and nobody gives."""
SYSTEM_NAMES: Final = frozenset(token.name for token in SYSTEM_TOKENS)

COMMANDS: Final = {
    command.name: command
    for command in (
        CatalogueCommand(
            name="GetInvoiceImage",
            meaning="Gets the document that is shown when VIEW is clicked on an invoice.",
            tokens=(*_INVOICE, *_CUSTOMER, *_PERSON, *_WHERE_FROM),
        ),
        CatalogueCommand(
            name=PAYMENT_COMMAND,
            meaning="Gets the address of the page where an invoice can be paid, for Pay.",
            tokens=(*_INVOICE, *_CUSTOMER, *_PERSON, *_WHERE_FROM),
        ),
        CatalogueCommand(
            name=STATEMENT_COMMAND,
            meaning="Gets the statement of a customer for a period, as a document.",
            tokens=(*_CUSTOMER, _CUSTOMER_ID, *_PERIOD, *_PERSON, *_WHERE_FROM),
        ),
        CatalogueCommand(
            name=LOGIN_COMMAND,
            meaning="Asks your own system about the person who came with a sign-in token.",
            tokens=(
                TokenInfo(
                    name="authToken",
                    meaning="The one-time token that the person brought along in the link.",
                    example="b7c1e6f0",
                ),
                TokenInfo(
                    name="LoginToken",
                    meaning="The same token, by another name.",
                    example="b7c1e6f0",
                ),
                *_WHERE_FROM,
            ),
        ),
        CatalogueCommand(name="ListInvoices", meaning="Lists invoices for the sync.", tokens=_PAGE),
        CatalogueCommand(
            name="ListCustomers", meaning="Lists customers for the sync.", tokens=_PAGE
        ),
        CatalogueCommand(
            name="ListContacts",
            meaning="Lists contacts for the sync, in one list or customer by customer.",
            tokens=(*_PAGE, _CUSTOMER_ID),
        ),
        CatalogueCommand(
            name="ListCreditNotes",
            meaning="Lists credit notes for the sync, where the system keeps a separate list.",
            tokens=_PAGE,
        ),
        CatalogueCommand(
            name="ListRemovedInvoices",
            meaning="Lists only the ids of removed invoices for the sync.",
            tokens=_PAGE,
        ),
    )
}
"""The commands that the portal knows, by name. Any other command is the organisation's own."""


def tokens_of(command: str) -> frozenset[str]:
    """Return the names of the tokens that the catalogue gives to *command*, if it knows it."""
    known = COMMANDS.get(command)
    return frozenset(token.name for token in known.tokens) if known else frozenset()


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the one of *known* that *name* most probably means, or None."""
    by_folded = {candidate.casefold(): candidate for candidate in sorted(known)}
    folded = name.casefold()
    if folded in by_folded:
        return by_folded[folded]
    close = difflib.get_close_matches(folded, by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else None
