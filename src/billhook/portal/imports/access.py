"""The only way to the rows of imports: each function says who is asking."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count, Q, QuerySet
from django.http import Http404

from billhook.portal.imports.columns.fields import ImportKind
from billhook.portal.imports.columns.guess import Remembered
from billhook.portal.imports.models import FileImport, ImportedRow, RememberedColumns
from billhook.portal.organisations.models import Member, Organisation


def imports_for_member(member: Member) -> QuerySet[FileImport]:
    """Return the imports of the organisation that *member* is of, newest first."""
    return FileImport.objects.filter(organisation_id=member.organisation_id).select_related("user")


def import_for_member(member: Member, import_id: str) -> FileImport:
    """Return an import of the organisation that *member* is of, or raise Http404."""
    found = imports_for_member(member).select_related("organisation").filter(id=import_id).first()
    if found is None:
        raise Http404
    return found


def import_to_work_on(import_id: str) -> FileImport | None:
    """Return an import for the thread that carries it out."""
    return FileImport.objects.select_related("organisation").filter(id=import_id).first()


def remembered_columns(organisation: Organisation, kind: ImportKind) -> Remembered:
    """Return the columns that *organisation* chose before, for its own import."""
    row = RememberedColumns.objects.filter(organisation=organisation, kind=kind).first()
    if row is None:
        return Remembered(fields={})
    return Remembered(fields=row.fields, currency=row.currency)


def refused_rows(file_import: FileImport) -> Iterator[ImportedRow]:
    """Yield the rows that an import refused, in the order of the file."""
    return file_import.rows.filter(what=ImportedRow.What.REFUSED).iterator()


def rows_to_undo(file_import: FileImport, *, most: int) -> list[ImportedRow]:
    """Return the next rows to undo, the last ones first."""
    rows = file_import.rows.filter(undone="").exclude(what=ImportedRow.What.REFUSED)
    return list(rows.order_by("-id")[:most])


def written_counts(file_import: FileImport) -> dict[str, int]:
    """Return how many rows of each kind an import created and changed, by ``invoice-created``."""
    counts = {
        f"{what}_{name}": Count("id", filter=Q(what=what, before__isnull=is_created))
        for what in ("invoice", "customer", "contact")
        for name, is_created in (("created", True), ("changed", False))
    }
    found: dict[str, int] = file_import.rows.filter(undone="").aggregate(**counts)
    return found


def rows_left(file_import: FileImport, *, most: int) -> tuple[list[ImportedRow], int]:
    """Return the first rows that undoing left as they are, and the number of all."""
    left = file_import.rows.filter(undone__in=(ImportedRow.Undone.CHANGED, ImportedRow.Undone.USED))
    return list(left[:most]), left.count()


def contacts_added(file_import: FileImport) -> list[str]:
    """Return the ids of the contacts that an import added."""
    rows = file_import.rows.filter(what=ImportedRow.What.CONTACT, undone="")
    return list(rows.values_list("object_id", flat=True))
