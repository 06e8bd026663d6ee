"""The part of a list command for the editor's templates: its fields in the order of the list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from billhook.portal.editor.lists.words import FIELD_WORDS, FIELDS_OF_LIST, REQUIRED_FIELDS
from billhook.portal.editor.row_kinds import RowKind, default_text
from billhook.portal.editor.row_views import FormProblems, Input, RowView
from billhook.portal.editor.tree import Node

_TIMES: Final = ("format", "zone")
_AMOUNTS: Final = ("minor_units", "decimal", "group", "minus", "zero", "negative")
_CHOSEN: Final = ("values", "unknown")
_ANY: Final = ("first_of", "value", "template", "none")
_FORM_OF: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(("date", "due_date", "changed"), _TIMES),
    **dict.fromkeys(("amount", "open_amount"), _AMOUNTS),
    "status": _CHOSEN,
    **dict.fromkeys(("type", "active", "currency"), ("values",)),
}
"""The inputs about the form of a value that make sense for each field."""


class MappedFieldView(RowView):
    """One field of the map: its path, and the inputs that make sense for it."""

    placed = ("path",)

    def __init__(
        self,
        kind: RowKind,
        node: Node,
        id_: str,
        problems: FormProblems,
        *,
        name: str,
        is_required: bool,
    ) -> None:
        super().__init__(kind, node, id_, problems)
        self.name = name
        self.label = FIELD_WORDS[name]
        self.is_required = is_required

    @property
    def settings(self) -> list[Input]:
        """The inputs that make sense for it, and those that were filled in nevertheless."""
        wanted = (*_FORM_OF.get(self.name, ()), *_ANY)
        return [
            each
            for each in super().settings
            if each.info.key in wanted or each.problems or each.text != default_text(each.info)
        ]

    @property
    def has_cases(self) -> bool:
        """Whether it may have cases: only a status has."""
        return self.name == "status" or self["cases"].is_open

    @property
    def is_fold_open(self) -> bool:
        """Whether the fold with everything but the path is open."""
        return self.has_settings or self["cases"].is_open


class ListView(RowView):
    """The part of a list command that no other command has."""

    def __init__(
        self, kind: RowKind, node: Node, id_: str, problems: FormProblems, *, name: str
    ) -> None:
        super().__init__(kind, node, id_, problems)
        self._name = name

    @property
    def fields(self) -> list[MappedFieldView]:
        """The fields of its rows, and any other that the map has nevertheless."""
        return fields_of_map(self["map"], FIELDS_OF_LIST[self._name], REQUIRED_FIELDS[self._name])

    @property
    def has_contacts(self) -> bool:
        """Whether its rows may have rows of contacts inside."""
        return self._name == "ListCustomers" or bool(self["map"]["contacts"].is_open)

    @property
    def contacts(self) -> list[MappedFieldView]:
        """The fields of the contacts within a row."""
        return fields_of_map(self["map"]["contacts"]["map"], FIELDS_OF_LIST["ListContacts"], ())

    @property
    def is_for_contacts(self) -> bool:
        """Whether it lists contacts, perhaps with a request for each customer."""
        return self._name == "ListContacts"

    @property
    def is_of_invoices(self) -> bool:
        """Whether its rows are invoices or credit notes."""
        return self._name in {"ListInvoices", "ListCreditNotes"}

    @property
    def settings(self) -> list[Input]:
        """Its other inputs: those for one request per customer only where they are used."""
        of_contacts = {"for_each", "batch"}
        return [
            each
            for each in super().settings
            if (each.info.key not in of_contacts or self.is_for_contacts)
            and (each.info.key != "same_number" or self.is_of_invoices)
        ]


def fields_of_map(
    view: RowView, names: tuple[str, ...], required: tuple[str, ...]
) -> list[MappedFieldView]:
    """Return the fields called *names* of the map in *view*, and all others that are in use."""
    used = (
        key
        for key, part in view.kind.parts.items()
        if key in FIELD_WORDS and not part.is_untouched(view.node.at(key))
    )
    return [
        MappedFieldView(
            view.kind.parts[name].kind(),
            view.node.at(name),
            f"{view.id}-{name}",
            view.problems,
            name=name,
            is_required=name in required,
        )
        for name in dict.fromkeys((*names, *used))
    ]
