"""The refused rows of an import as a file: as they were, with the reasons behind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from billhook.portal.fields.csv_files import write_table
from billhook.portal.imports.access import refused_rows
from billhook.portal.imports.columns.fields import ImportKind
from billhook.portal.imports.columns.mapping import Mapping, heading_names, mapping_from_json
from billhook.portal.imports.effect import Effect
from billhook.portal.imports.kept import open_kept
from billhook.portal.imports.models import FileImport, ImportedRow, ImportState
from billhook.portal.imports.reading.table import FileTable, UnreadableFile, text_of
from billhook.portal.imports.work import work_of

_NAMES = ("Line in the file", "Reason")


def refused_file(file_import: FileImport) -> bytes:
    """Return a CSV file of the refused rows, which can be corrected and imported again.

    Without the file, which is kept for a week, it holds only lines, numbers and reasons.
    """
    mapping = mapping_from_json(file_import.mapping)
    try:
        table = open_kept(file_import)
    except UnreadableFile:
        rows = ([row.name, *_lines_and_reasons(row)] for row in refused_rows(file_import))
        return write_table(["Number", *_NAMES], rows)
    names = heading_names(table.sheets[mapping.sheet], mapping.heading)
    reasons = dict(_reasons_by_line(file_import, table, mapping))
    rows = (
        [*_padded((text_of(cell) for cell in row.cells), len(names)), str(row.line), reason]
        for row in table.sheets[mapping.sheet].rows
        if (reason := reasons.get(row.line))
    )
    return write_table([*names, *_NAMES], rows)


def _reasons_by_line(
    file_import: FileImport, table: FileTable, mapping: Mapping
) -> Iterator[tuple[int, str]]:
    """Yield the refused lines: as they were recorded or, before the import, as it is planned."""
    if file_import.state != ImportState.CHOSEN:
        for record in refused_rows(file_import):
            refusal = record.after or {}
            yield from ((line, " ".join(refusal["reasons"])) for line in refusal["lines"])
        return
    work = work_of(file_import.organisation, ImportKind(file_import.kind), table, mapping)
    for chunk in work.chunks():
        for row in work.plan(chunk):
            if row.effect is Effect.REFUSE:
                yield from ((line, " ".join(row.reasons)) for line in row.lines)


def _lines_and_reasons(record: ImportedRow) -> list[str]:
    refusal = record.after or {}
    return [", ".join(map(str, refusal["lines"])), " ".join(refusal["reasons"])]


def _padded(cells: Iterable[str], width: int) -> list[str]:
    """Return *cells* in as many columns as have names: those beyond have none."""
    filled = list(cells)[:width]
    return filled + [""] * (width - len(filled))
