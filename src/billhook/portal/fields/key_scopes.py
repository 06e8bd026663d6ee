"""The scopes of API keys: what a program may do with its key."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

RUN: Final = "run"
READ: Final = "read"
WRITE: Final = "write"

_KINDS: Final = {
    "customers": ("Customers", (READ, WRITE)),
    "contacts": ("Contacts", (READ, WRITE)),
    "invoices": ("Invoices", (READ, WRITE)),
    "integrations": ("Integrations", (READ, WRITE)),
    "runs": ("Runs", (READ,)),
    "jobs": ("Jobs", (READ, WRITE)),
    "keys": ("API keys", (READ, WRITE)),
    "webhooks": ("Webhooks", (READ, WRITE)),
}
_VERBS: Final = {READ: "read", WRITE: "read and change"}

SCOPES: Final[dict[str, str]] = {
    RUN: "Run commands: get documents",
    **{
        f"{kind}:{verb}": f"{label}: {_VERBS[verb]}"
        for kind, (label, verbs) in _KINDS.items()
        for verb in verbs
    },
}
"""Every scope, with its label. A scope to change a kind includes the one to read it."""


def scopes_from_text(text: str) -> frozenset[str]:
    """Return the scopes in *text*, as a key stores them. Unknown ones, of a newer version, go."""
    return frozenset(text.split()) & SCOPES.keys()


def scopes_to_text(scopes: Iterable[str]) -> str:
    """Return *scopes* as a key stores them, in the order of :data:`SCOPES`."""
    chosen = set(scopes)
    return " ".join(name for name in SCOPES if name in chosen)


def allows(scopes: Collection[str], needed: str) -> bool:
    """Return whether a key with *scopes* may do what needs the scope *needed*."""
    kind, _, verb = needed.partition(":")
    return needed in scopes or (verb == READ and f"{kind}:{WRITE}" in scopes)
