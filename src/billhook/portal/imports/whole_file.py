"""The effect of a file in one call, with the columns as they are guessed: for the command line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from billhook.portal.imports.access import remembered_columns
from billhook.portal.imports.columns.fields import ImportField, ImportKind
from billhook.portal.imports.columns.guess import Guess, guess_mapping, is_heading, missing_fields
from billhook.portal.imports.columns.headings import LANGUAGES
from billhook.portal.imports.columns.mapping import Mapping
from billhook.portal.imports.effect import Effect, PlannedRow
from billhook.portal.imports.reading.file import open_table, read_file
from billhook.portal.imports.reading.table import FileTable, UnreadableFile
from billhook.portal.imports.work import work_of
from billhook.portal.installation import environment
from billhook.portal.organisations.models import Organisation


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The effect of a file. Nothing has been written for it."""

    mapping: Mapping
    rows: tuple[PlannedRow, ...]
    others: dict[str, int]

    def _of(self, effect: Effect) -> tuple[PlannedRow, ...]:
        return tuple(row for row in self.rows if row.effect is effect)

    @cached_property
    def created(self) -> tuple[PlannedRow, ...]:
        """The rows that create something."""
        return self._of(Effect.CREATE)

    @cached_property
    def changed(self) -> tuple[PlannedRow, ...]:
        """The rows that change something."""
        return self._of(Effect.CHANGE)

    @cached_property
    def kept(self) -> tuple[PlannedRow, ...]:
        """The rows that repeat known facts."""
        return self._of(Effect.KEEP)

    @cached_property
    def refused(self) -> tuple[PlannedRow, ...]:
        """The rows that can't be used."""
        return self._of(Effect.REFUSE)


def plan_import(
    *, organisation: Organisation, content: bytes, kind: ImportKind = ImportKind.INVOICES
) -> Plan:
    """Return the effect of the file *content*; write nothing.

    Raises:
        UnreadableFile: if the file as a whole can't be used, or its columns aren't recognised.
    """
    table, guess = read_and_guess(organisation=organisation, content=content, kind=kind)
    check_columns(guess, kind)
    work = work_of(organisation, kind, table, guess.mapping)
    rows = tuple(row for chunk in work.chunks() for row in work.plan(chunk))
    return Plan(mapping=guess.mapping, rows=rows, others=work.others())


def read_and_guess(
    *, organisation: Organisation, content: bytes, kind: ImportKind
) -> tuple[FileTable, Guess]:
    """Return the table in the file *content*, and the likely meaning of its columns."""
    table = open_table(read_content(content, organisation))
    return table, guess_mapping(table, kind, remembered_columns(organisation, kind))


def read_content(content: bytes, organisation: Organisation) -> bytes:
    """Return the table in *content* in the form in which it is kept."""
    rows = environment.current().import_rows
    return read_file(content, is_heading=is_heading, max_rows=rows, share=organisation.id)


def check_columns(guess: Guess, kind: ImportKind) -> None:
    """Raise :class:`UnreadableFile` if a needed column is missing, or two have one meaning."""
    missing = missing_fields(guess.mapping, kind)
    if missing:
        wanted = "; ".join(f"{each.label} (also: {_other_names(each)})" for each in missing)
        raise UnreadableFile(
            f"No row names a column for: {wanted}. Add it to the names of the columns, or choose "
            "the columns in the portal."
        )
    if guess.twice:
        names = _labels(guess.twice)
        raise UnreadableFile(f"Two columns have the same meaning: {names}. Keep only one.")


def _other_names(field: ImportField) -> str:
    return ", ".join(field.names[language].split("|")[0] for language in LANGUAGES)


def _labels(fields: Iterable[ImportField]) -> str:
    return ", ".join(dict.fromkeys(field.label for field in fields))
