"""Changes to imports: a file is taken in, its columns are chosen, it is carried out and undone.

Callers have checked permission with :mod:`access`. A chunk of rows is one transaction, with the
record of what it wrote: whatever happens, the next chunk goes on from there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from billhook.engine.body import Body
from billhook.portal.accounts.models import User
from billhook.portal.customers.access import contacts_by_id
from billhook.portal.customers.models import Contact
from billhook.portal.imports.access import contacts_added, remembered_columns
from billhook.portal.imports.columns.fields import ImportKind
from billhook.portal.imports.columns.guess import (
    guess_columns,
    guess_mapping,
    missing_fields,
)
from billhook.portal.imports.columns.headings import plain
from billhook.portal.imports.columns.mapping import (
    Mapping,
    OpenQuestions,
    columns_of,
    mapping_from_json,
)
from billhook.portal.imports.effect import Effect, PlannedRow
from billhook.portal.imports.kept import kept_files, open_kept, read_kept, remove_kept
from billhook.portal.imports.models import FileImport, ImportedRow, ImportState, RememberedColumns
from billhook.portal.imports.preview import PartialPreview
from billhook.portal.imports.reading.file import check_size, open_table
from billhook.portal.imports.reading.table import FileTable, UnreadableFile
from billhook.portal.imports.undo import UNDONE_AT_ONCE, undo_rows
from billhook.portal.imports.whole_file import read_content
from billhook.portal.imports.work import ImportWork, work_of
from billhook.portal.jobs.turn import AnyTurn
from billhook.portal.limits.pace import AT_ONCE, Pace
from billhook.portal.organisations.models import Organisation
from billhook.portal.storage.shelf import Holder, ShelfFull

KEPT_DAYS: Final = 90
"""Days for which an import is listed and can be undone."""
_REPORT_EVERY: Final = 1.0
"""Seconds between two reports of the progress of a preview."""


def start_import(
    *,
    organisation: Organisation,
    user: User | None,
    kind: ImportKind,
    content: bytes,
    file_name: str = "",
) -> FileImport:
    """Read the file *content*, guess the meaning of its columns, and keep its table.

    Raises:
        UnreadableFile: if the file as a whole can't be used.
    """
    packed = read_content(content, organisation)
    return FileImport.objects.create(
        organisation=organisation,
        user=user,
        kind=kind,
        file_name=file_name[-200:],
        **_guessed(packed, organisation, kind),
        kept_file=_keep(packed, organisation),
    )


def keep_upload(
    *, organisation: Organisation, user: User, kind: ImportKind, content: bytes, file_name: str
) -> FileImport:
    """Keep the file *content* as it is, to be read later.

    Raises:
        UnreadableFile: if it is too large, or there is no space for it.
    """
    check_size(content)
    return FileImport.objects.create(
        organisation=organisation,
        user=user,
        kind=kind,
        file_name=file_name[-200:],
        kept_file=_keep(content, organisation),
        mapping={},
        state=ImportState.READING,
    )


def _guessed(packed: bytes, organisation: Organisation, kind: ImportKind) -> dict[str, Any]:
    """Return the facts of an import that its table shows."""
    guess = guess_mapping(open_table(packed), kind, remembered_columns(organisation, kind))
    is_sure = not (guess.is_unsure or guess.twice or missing_fields(guess.mapping, kind))
    return {"mapping": guess.mapping.as_json(), "is_sure": is_sure}


def choose_columns(*, file_import: FileImport, mapping: Mapping, remember: bool = True) -> None:
    """Set the meaning of the columns, and remember it for the next file of the organisation."""
    file_import.is_sure = True
    names = _names(file_import, mapping) if remember else None
    with transaction.atomic():
        _save_mapping(file_import, mapping)
        if names is not None:
            _remember(file_import, mapping, names)


def read_other_rows(*, file_import: FileImport, table: FileTable, mapping: Mapping) -> None:
    """Guess the columns again, of another sheet or below another row with names."""
    kind = ImportKind(file_import.kind)
    remembered = remembered_columns(file_import.organisation, kind)
    sheet = mapping.sheet
    if mapping.heading < 0:
        alone = FileTable(sheets=(table.sheets[sheet],))
        heading = guess_mapping(alone, kind, remembered).mapping.heading
    else:
        heading = mapping.heading
    guess = guess_columns(table, kind, remembered, sheet=sheet, heading=heading)
    file_import.is_sure = False
    _save_mapping(file_import, guess.mapping)


def read_upload(*, file_import: FileImport, turn: AnyTurn) -> None:
    """Read the table in the file that a person chose, and guess the meaning of its columns.

    Raises:
        UnreadableFile: if the file as a whole can't be used.
    """
    organisation, kind = file_import.organisation, ImportKind(file_import.kind)
    packed = read_content(read_kept(file_import), organisation)
    facts = _guessed(packed, organisation, kind)
    facts["kept_file"] = _keep(packed, organisation)
    with turn.saving():
        _update(file_import, **facts, state=ImportState.CHOSEN)
        if facts["is_sure"]:
            turn.again()  # with the preview
    remove_kept(file_import)


def preview_import(*, file_import: FileImport, turn: AnyTurn, asks: bool = True) -> None:
    """Compute the preview of an import, and store it.

    If the cells leave something open, a person is asked first, unless nobody *asks*: such rows are
    refused then.

    Raises:
        UnreadableFile: if the file isn't kept any longer.
    """
    mapping = mapping_from_json(file_import.mapping)
    table = open_kept(file_import)
    partial = PartialPreview(work=_work(file_import, table))
    if turn.cursor:
        partial.go_on_from(turn.cursor)
    elif asks and not partial.work.questions().are_settled(mapping):
        with turn.saving():
            _update(file_import, is_sure=False)
        return
    total = _size(table, mapping)
    reported = float("-inf")
    for done in partial.chunks():
        if not turn.goes_on:
            with turn.saving():
                if _has_same_columns(file_import):
                    turn.report(cursor=partial.as_json())
                    turn.again()
            return
        if time.monotonic() - reported > _REPORT_EVERY:
            reported = time.monotonic()
            with turn.saving():
                _update(file_import, done=done, total=total)
                turn.report(done=done, total=total, note="Preview")
    with turn.saving():
        if _has_same_columns(file_import):
            _update(file_import, done=total, total=total, preview=partial.preview.as_json())


def confirm_import(*, file_import: FileImport) -> bool:
    """Have an import carried out; return False if that was done before, or it has no preview."""
    seen = FileImport.objects.filter(
        id=file_import.id, state=ImportState.CHOSEN, preview__isnull=False
    )
    return bool(seen.update(state=ImportState.RUNNING, done=0, counts={}))


def carry_out_import(*, file_import: FileImport, turn: AnyTurn) -> None:
    """Write the rows of a confirmed import, chunk by chunk, from the last finished one.

    After each chunk it rests, so that others can write, too.

    Raises:
        UnreadableFile: if the file isn't kept any longer.
    """
    table = open_kept(file_import)
    work = _work(file_import, table)
    total = _size(table, mapping_from_json(file_import.mapping))
    done = file_import.done
    for chunk in work.chunks(start=done, fitting=turn.fitting):
        planned = work.plan(chunk)
        with turn.saving():
            if work.is_stale(planned):
                planned = work.plan(chunk)
            done += len(planned)
            _write_chunk(file_import, work, planned)
            _update(file_import, done=done, total=total, counts=file_import.counts)
            turn.report(done=done, total=total)
        turn.rest()
        if not turn.goes_on:
            turn.again()
            return
    with turn.saving():
        _finish(file_import, ImportState.DONE)


def _write_chunk(file_import: FileImport, work: ImportWork, planned: Sequence[PlannedRow]) -> None:
    rows = [*work.write(file_import, planned), *_refused(file_import, planned)]
    ImportedRow.objects.bulk_create(rows, batch_size=500)
    counts: Counter[str] = Counter(file_import.counts)
    counts.update(str(row.effect) for row in planned)
    file_import.counts = dict(counts)


def begin_undo(*, file_import: FileImport) -> bool:
    """Have an import undone; return False if it can't be."""
    finished = FileImport.objects.filter(id=file_import.id, state=ImportState.DONE)
    total = file_import.rows.exclude(what=ImportedRow.What.REFUSED).count()
    return bool(finished.update(state=ImportState.UNDOING, done=0, total=total))


def undo_import(*, file_import: FileImport, turn: AnyTurn) -> None:
    """Undo what an import wrote, chunk by chunk, the last rows first.

    Whatever was changed since stays as it is, and its row says so.
    """
    done = file_import.done
    while True:
        with turn.saving():
            rows = undo_rows(file_import, most=turn.fitting(UNDONE_AT_ONCE))
            ImportedRow.objects.bulk_update(rows, ["undone"], batch_size=500)
            done += len(rows)
            _update(file_import, done=done)
            turn.report(done=done, total=file_import.total)
        if not rows:
            break
        turn.rest()
        if not turn.goes_on:
            turn.again()
            return
    with turn.saving():
        _finish(file_import, ImportState.UNDONE)


def end_unfinished_import(*, import_id: str, problem: str) -> None:
    """End an import whose job has ended before, so that what it wrote can be undone."""
    row = FileImport.objects.filter(id=import_id)
    row.filter(state=ImportState.READING).update(state=ImportState.UNREADABLE, problem=problem)
    row.filter(state=ImportState.CHOSEN, preview__isnull=True, is_sure=True).update(
        state=ImportState.UNREADABLE, problem=problem
    )
    row.filter(state__in=(ImportState.RUNNING, ImportState.UNDOING)).update(
        state=ImportState.DONE, finished_at=timezone.now(), problem=problem
    )


def discard_import(*, file_import: FileImport) -> None:
    """Forget an import that wasn't confirmed, with its file."""
    unconfirmed = (ImportState.CHOSEN, ImportState.UNREADABLE)
    forgotten = FileImport.objects.filter(id=file_import.id, state__in=unconfirmed)
    if forgotten.delete()[0]:
        remove_kept(file_import)


def forget_old_imports(pace: Pace = AT_ONCE, *, now: datetime | None = None) -> None:
    """Delete imports of long ago, which can't be undone then, and their files."""
    oldest = (now or timezone.now()) - timedelta(days=KEPT_DAYS)
    for file_import in FileImport.objects.filter(created_at__lt=oldest):
        remove_kept(file_import)
        pace.delete(file_import.rows.all())
        if not pace.goes_on:
            return
        file_import.delete()


def contacts_to_invite(*, file_import: FileImport) -> list[Contact]:
    """Return the contacts that an import added, once: a second caller gets none."""
    first = FileImport.objects.filter(id=file_import.id, invited_at=None)
    if not first.update(invited_at=timezone.now()):
        return []
    ids = contacts_added(file_import)
    return list(contacts_by_id(file_import.organisation, ids).values())


def unfinished_imports() -> list[FileImport]:
    """Return the imports that are read, carried out or undone, for the jobs that do so."""
    states = (ImportState.READING, ImportState.RUNNING, ImportState.UNDOING)
    return list(FileImport.objects.filter(state__in=states))


def _keep(packed: bytes, organisation: Organisation) -> str:
    holder = Holder(user_id="", subject="import", organisation_id=organisation.id)
    try:
        return kept_files().hold(Body(packed), holder)
    except ShelfFull:
        raise UnreadableFile("The server has no space for the file. Try again later.") from None


def questions_of(
    organisation: Organisation, kind: ImportKind, table: FileTable, mapping: Mapping
) -> OpenQuestions:
    """Return what the cells of a file leave open."""
    return work_of(organisation, kind, table, mapping).questions()


def _work(file_import: FileImport, table: FileTable) -> ImportWork:
    return work_of(
        file_import.organisation,
        ImportKind(file_import.kind),
        table,
        mapping_from_json(file_import.mapping),
    )


def _save_mapping(file_import: FileImport, mapping: Mapping) -> None:
    """Save another meaning of the columns, and forget the preview."""
    file_import.mapping, file_import.preview = mapping.as_json(), None
    file_import.save(update_fields=["mapping", "is_sure", "preview"])


def _size(table: FileTable, mapping: Mapping) -> int:
    return len(table.sheets[mapping.sheet].rows) - mapping.heading - 1


def _names(file_import: FileImport, mapping: Mapping) -> dict[int, str]:
    table = open_kept(file_import)
    return {column.place: plain(column.name) for column in columns_of(table, mapping)}


def _remember(file_import: FileImport, mapping: Mapping, names: dict[int, str]) -> None:
    chosen = {place: name for name, place in mapping.places.items()}
    row, _ = RememberedColumns.objects.get_or_create(
        organisation=file_import.organisation, kind=file_import.kind
    )
    row.fields = row.fields | {name: chosen.get(place, "") for place, name in names.items() if name}
    row.currency = mapping.currency or row.currency
    row.save()


def _refused(file_import: FileImport, planned: Sequence[PlannedRow]) -> list[ImportedRow]:
    return [
        ImportedRow(
            file_import=file_import,
            what=ImportedRow.What.REFUSED,
            name=row.number[:254],
            after={"lines": list(row.lines), "reasons": list(row.reasons)},
        )
        for row in planned
        if row.effect is Effect.REFUSE
    ]


def _has_same_columns(file_import: FileImport) -> bool:
    """Return whether nobody has chosen other columns since *file_import* was read."""
    row = FileImport.objects.filter(id=file_import.id, state=ImportState.CHOSEN)
    return bool(row.values_list("mapping", flat=True).first() == file_import.mapping)


def _update(file_import: FileImport, **facts: object) -> None:
    FileImport.objects.filter(id=file_import.id).update(**facts)


def _finish(file_import: FileImport, state: ImportState) -> None:
    _update(file_import, state=state, finished_at=timezone.now(), total=F("done"), problem="")
