"""Files to import, and what an import plans for them."""

from __future__ import annotations

from typing import Any

from billhook.portal.imports import services
from billhook.portal.imports.access import import_to_work_on
from billhook.portal.imports.columns.fields import ImportKind
from billhook.portal.imports.jobs import enqueue_import
from billhook.portal.imports.models import FileImport
from billhook.portal.imports.whole_file import Plan, plan_import
from billhook.portal.jobs.run import run_due_jobs
from billhook.portal.jobs.without_job import TurnWithoutJob
from portal.cast import Cast

HEAD = "Invoice number;Customer number;Date;Due date;Amount;Still open;Currency;Status\n"


def csv(*rows: str, head: str = HEAD) -> bytes:
    return (head + "\n".join(rows)).encode()


def row(
    number: str = "INV-9",
    customer: str = "C-1",
    day: str = "2025-12-31",
    amount: str = "5",
    currency: str = "EUR",
) -> str:
    return f"{number};{customer};{day};;{amount};;{currency};Open"


def planned(cast: Cast, content: str | bytes, kind: ImportKind = ImportKind.INVOICES) -> Plan:
    content = content if isinstance(content, bytes) else content.encode()
    return plan_import(organisation=cast.harper, content=content, kind=kind)


def first_facts(cast: Cast, content: str | bytes) -> Any:
    """Return the facts of the invoice in the first row, which must be a new one."""
    first = planned(cast, content).rows[0]
    assert (first.effect, first.reasons) == ("create", ())
    return first.facts  # type: ignore[attr-defined]


def refusal(cast: Cast, content: str | bytes, line: int = 0) -> str:
    """Return the reasons why a row, counted from 0, is refused."""
    one = planned(cast, content).rows[line]
    assert one.effect == "refuse"
    return " ".join(one.reasons)


def imported(cast: Cast, content: bytes, kind: ImportKind = ImportKind.INVOICES) -> FileImport:
    """Import a file as a member of Harper IT does, without looking at the preview."""
    started = services.start_import(
        organisation=cast.harper,
        user=cast.bob.user,
        kind=kind,
        content=content,
        file_name="file.csv",
    )
    services.preview_import(file_import=started, turn=TurnWithoutJob(), asks=False)
    assert services.confirm_import(file_import=started)
    return worked(started)


def undone(file_import: FileImport) -> FileImport:
    """Undo an import."""
    assert services.begin_undo(file_import=file_import)
    return worked(file_import)


def worked(file_import: FileImport) -> FileImport:
    """Do what is to do for an import, as its job does."""
    enqueue_import(fresh(file_import))
    run_due_jobs()
    return fresh(file_import)


def fresh(file_import: FileImport) -> FileImport:
    found = import_to_work_on(file_import.id)
    assert found is not None
    return found
