"""A list command whose rows and fields aren't known yet, so that its request can be sent."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from billhook.engine.config import PathConfig
from billhook.engine.list_config import (
    ListCommandConfig,
    MapConfig,
    MappedFieldConfig,
    RowsConfig,
)

_FIELDS: Final = {
    "ListInvoices": ("id", "number", "customer", "amount", "changed"),
    "ListCreditNotes": ("id", "number", "customer", "amount", "changed"),
    "ListCustomers": ("id", "name", "changed"),
    "ListContacts": ("email", "customer", "changed"),
    "ListRemovedInvoices": ("id", "changed"),
}


def without_map(config: ListCommandConfig) -> ListCommandConfig:
    """Return *config* with another map: its request can be compiled before anything is mapped.

    Only :func:`billhook.engine.listing.read.take_sample` may read its response.
    """
    fields = tuple(_placeholder(name) for name in _FIELDS[config.name])
    return replace(
        config,
        rows=RowsConfig(path=PathConfig(kind="json", text="$")),
        map=MapConfig(fields=fields),
        passes=(),
        empty_when=(),
        nudge=None,
    )


def _placeholder(name: str) -> MappedFieldConfig:
    path = PathConfig(kind="json", text=f"$.{name}")
    zone = "UTC" if name == "changed" else ""
    return MappedFieldConfig(name=name, path=path, zone=zone)
