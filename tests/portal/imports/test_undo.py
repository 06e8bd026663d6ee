"""An import is carried out in chunks, recorded, and undone without touching later changes."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError
from django.db.models import F
from django.utils import timezone

from billhook.portal.customers.models import Contact, Customer
from billhook.portal.imports import services, work
from billhook.portal.imports.access import contacts_added
from billhook.portal.imports.columns.fields import ImportKind
from billhook.portal.imports.columns.mapping import mapping_from_json
from billhook.portal.imports.jobs import STOPPED, enqueue_import, job_of_import, resume_imports
from billhook.portal.imports.kept import is_kept, remove_kept
from billhook.portal.imports.models import FileImport, ImportedRow, ImportState
from billhook.portal.invoices.models import Invoice
from billhook.portal.jobs import turn
from billhook.portal.jobs.models import Job
from billhook.portal.jobs.run import run_due_jobs, run_job
from billhook.portal.jobs.services import run_now, stop
from portal.cast import Cast, invoice
from portal.imports.files import csv, fresh, imported, row, undone, worked

NEW_CUSTOMER = "Number;Customer number;Customer name;Date;Amount;Currency\n"


def all_rows() -> list[list[dict[str, object]]]:
    """Everything that imports may change, without the times of changes."""
    return [
        [
            {name: value for name, value in each.items() if name != "changed_at"}
            for each in model.objects.order_by("id").values()
        ]
        for model in (Invoice, Customer, Contact)
    ]


def test_everything_is_as_before_after_an_import_of_invoices_is_undone(cast: Cast) -> None:
    before = all_rows()
    content = csv(
        "INV-1;C-1;;2024-05-01;99;EUR", "INV-9;C-7;Cyan;2024-05-01;5;EUR", head=NEW_CUSTOMER
    )
    done = imported(cast, content)
    assert all_rows() != before
    assert undone(done).state == ImportState.UNDONE
    assert all_rows() == before
    assert set(done.rows.values_list("undone", flat=True)) == {"undone"}


def test_everything_is_as_before_after_an_import_of_customers_is_undone(cast: Cast) -> None:
    before = all_rows()
    head = "Customer number;Customer name;Language;E-mail;Name\n"
    content = csv(
        "C-1;Acme Limited;de;carla@acme.example;Carla",
        "C-1;;;dan@acme.example;Dan",
        "C-7;Cyan;fr;cy@cyan.example;Cy",
        head=head,
    )
    done = imported(cast, content, ImportKind.CUSTOMERS)
    assert Customer.objects.get(id=cast.acme.id).name == "Acme Limited"
    assert len(contacts_added(done)) == 2
    undone(done)
    assert all_rows() == before


def test_what_was_changed_since_stays_as_it_is_and_is_listed(cast: Cast) -> None:
    rows = (f"{number};C-7;Cyan;2024-05-01;5;EUR" for number in ("INV-7", "INV-8", "INV-9"))
    done = imported(cast, csv(*rows, "INV-1;C-1;;2024-05-01;99;EUR", head=NEW_CUSTOMER))
    Invoice.objects.filter(number="INV-7").update(amount=7)
    Invoice.objects.filter(number="INV-8").delete()
    Invoice.objects.filter(id=cast.open.id).update(status="paid")
    undone(done)
    left = dict(done.rows.exclude(undone="undone").values_list("name", "undone"))
    assert left == {"INV-7": "changed", "INV-8": "gone", "INV-1": "changed", "C-7": "used"}
    assert Invoice.objects.get(number="INV-7").amount == 7
    assert Invoice.objects.get(id=cast.open.id).amount == Decimal(99)
    assert not Invoice.objects.filter(number="INV-9").exists()
    assert Customer.objects.filter(number="C-7").exists()


def test_the_later_of_two_imports_is_undone_to_the_state_after_the_first(cast: Cast) -> None:
    first = imported(cast, csv(row("INV-9", amount="5")))
    second = imported(cast, csv(row("INV-9", amount="6")))
    undone(first)
    assert first.rows.get().undone == "changed"
    undone(second)
    assert Invoice.objects.get(number="INV-9").amount == 5


def test_an_import_is_carried_out_once_and_undone_once(cast: Cast) -> None:
    done = imported(cast, csv(row("INV-9")))
    assert not services.confirm_import(file_import=done)
    worked(done)
    assert undone(done).state == ImportState.UNDONE
    assert not services.begin_undo(file_import=done)
    assert ImportedRow.objects.filter(file_import=done).count() == 1


def started(cast: Cast, content: bytes) -> FileImport:
    return services.start_import(
        organisation=cast.harper, user=None, kind=ImportKind.INVOICES, content=content
    )


def confirm(file_import: FileImport) -> None:
    assert worked(file_import).preview
    assert services.confirm_import(file_import=file_import)


def many(count: int) -> bytes:
    return csv(*(row(f"N-{number}") for number in range(count)))


def test_an_interrupted_import_goes_on_where_its_last_chunk_ended(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_import = started(cast, many(3 * work.CHUNK))
    confirm(file_import)
    write = work.write_invoices
    chunks: list[int] = []

    def fail_in_the_second(*args: object) -> list[ImportedRow]:
        chunks.append(1)
        rows = write(*args)  # type: ignore[arg-type]
        if len(chunks) == 2:
            raise IntegrityError
        return rows

    monkeypatch.setattr(work, "write_invoices", fail_in_the_second)
    half = worked(file_import)
    assert (half.state, half.done, half.counts) == ("running", work.CHUNK, {"create": work.CHUNK})
    assert Invoice.objects.filter(number__startswith="N-").count() == work.CHUNK
    run_now(job=job_of_import(half))
    run_due_jobs()
    whole = fresh(file_import)
    assert (whole.state, whole.done, whole.counts) == (
        "done",
        3 * work.CHUNK,
        {"create": 3 * work.CHUNK},
    )
    assert whole.rows.count() == 3 * work.CHUNK


def test_a_process_that_lost_its_import_writes_nothing_more(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_import = started(cast, many(2))
    confirm(file_import)
    write = work.write_invoices

    def be_taken_over(*args: object) -> list[ImportedRow]:
        Job.objects.filter(subject=file_import.id).update(token=F("token") + 1)
        return write(*args)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(work, "write_invoices", be_taken_over)
        enqueue_import(fresh(file_import))
        run_due_jobs()
    assert not Invoice.objects.filter(number__startswith="N-").exists()
    Job.objects.update(leased_until=timezone.now() - timedelta(seconds=1))
    run_due_jobs()
    assert Invoice.objects.filter(number__startswith="N-").count() == 2


def test_imports_that_have_no_job_get_one(cast: Cast) -> None:
    file_import = started(cast, many(2))
    confirm(file_import)
    assert not Job.objects.filter(state="waiting").exists()
    resume_imports()
    resume_imports()
    run_due_jobs()
    assert fresh(file_import).state == ImportState.DONE


def test_a_person_stops_an_import_and_undoes_its_part(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_import = started(cast, many(2 * work.CHUNK))
    confirm(file_import)
    work_for_one_turn(file_import, monkeypatch)
    assert stop(job=job_of_import(file_import))
    half = fresh(file_import)
    assert (half.state, half.done, half.problem) == (ImportState.DONE, work.CHUNK, STOPPED)
    undone(half)
    assert not Invoice.objects.filter(number__startswith="N-").exists()


def work_for_one_turn(file_import: FileImport, monkeypatch: pytest.MonkeyPatch) -> FileImport:
    """Do one turn of the import's job, which has time for one chunk."""
    with monkeypatch.context() as patch:
        patch.setattr(turn, "TURN_SHARE", 0)
        assert run_job(enqueue_import(fresh(file_import)).id)
    return fresh(file_import)


def test_a_preview_goes_on_in_another_process(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = [f"N-{number};C-{number % 150 + 10};Cy;2024-05-01;5;EUR" for number in range(300)]
    head = "Number;Customer number;Customer name;Date;Amount;Currency\n"
    whole = worked(started(cast, csv(*rows, head=head)))
    assert whole.preview is not None
    assert whole.preview["others"] == {"new_customers": 150}
    split = started(cast, csv(*rows, head=head))
    for _ in range(3):
        assert work_for_one_turn(split, monkeypatch).preview is None
    run_due_jobs()
    assert fresh(split).preview == whole.preview


def test_a_preview_of_customers_goes_on_in_another_process(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [f"C-{n % 120 + 10};{'Cy' if n < 200 else 'Di'};c{n % 70}@x.example" for n in range(300)]
    content = csv(*rows, head="Customer number;Customer name;E-mail\n")
    both = [
        services.start_import(
            organisation=cast.harper, user=None, kind=ImportKind.CUSTOMERS, content=content
        )
        for _ in range(2)
    ]
    whole = worked(both[0])
    for _ in range(3):
        assert work_for_one_turn(both[1], monkeypatch).preview is None
    run_due_jobs()
    assert whole.preview is not None
    assert whole.preview["counts"]["refuse"] > 0
    assert fresh(both[1]).preview == whole.preview


def test_thousands_of_rows_need_few_queries(
    cast: Cast, django_assert_max_num_queries: object
) -> None:
    file_import = started(cast, many(3000))
    confirm(file_import)
    with django_assert_max_num_queries(30 * 24):  # type: ignore[operator]
        worked(file_import)
    assert fresh(file_import).counts == {"create": 3000}


def test_old_imports_and_their_files_are_forgotten(cast: Cast) -> None:
    done = imported(cast, csv(row("INV-9")))
    FileImport.objects.update(created_at=timezone.now() - timedelta(days=91))
    services.forget_old_imports()
    assert not FileImport.objects.exists()
    assert not is_kept(done)
    assert Invoice.objects.filter(number="INV-9").exists()


def test_an_import_whose_file_is_gone_says_so(cast: Cast) -> None:
    file_import = started(cast, many(1))
    remove_kept(file_import)
    unreadable = worked(file_import)
    assert unreadable.state == ImportState.UNREADABLE
    assert "Choose it again" in unreadable.problem


def test_an_invoice_that_went_to_another_customer_goes_back(cast: Cast) -> None:
    moved = invoice(cast.acme, "INV-9")
    done = imported(cast, csv("INV-9;C-2", head="Number;Customer number\n"))
    assert Invoice.objects.get(id=moved.id).customer == cast.bolt
    undone(done)
    assert Invoice.objects.get(id=moved.id).customer == cast.acme


def test_an_import_goes_on_in_the_next_turn(cast: Cast, monkeypatch: pytest.MonkeyPatch) -> None:
    file_import = started(cast, many(2 * work.CHUNK))
    confirm(file_import)
    assert work_for_one_turn(file_import, monkeypatch).done == work.CHUNK
    run_due_jobs()
    assert fresh(file_import).state == ImportState.DONE
    services.begin_undo(file_import=file_import)
    assert work_for_one_turn(file_import, monkeypatch).state == ImportState.UNDOING
    run_due_jobs()
    assert fresh(file_import).state == ImportState.UNDONE


def test_a_chunk_is_planned_again_if_something_was_changed_meanwhile(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_import = started(cast, csv(row("INV-9", amount="5")))
    confirm(file_import)
    plan = work.InvoiceWork.plan
    plans: list[str] = []

    def plan_and_be_overtaken(self: work.InvoiceWork, chunk: list[object]) -> object:
        planned = plan(self, chunk)
        plans.append(planned[0].effect)
        if len(plans) == 1:
            invoice(cast.acme, "INV-9", amount="7")
        return planned

    monkeypatch.setattr(work.InvoiceWork, "plan", plan_and_be_overtaken)
    worked(file_import)
    assert plans == ["create", "change"]
    assert Invoice.objects.get(number="INV-9").amount == 5


def test_an_import_whose_file_is_gone_ends_and_can_be_undone(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_import = started(cast, many(2 * work.CHUNK))
    confirm(file_import)
    work_for_one_turn(file_import, monkeypatch)
    remove_kept(file_import)
    run_due_jobs()
    half = fresh(file_import)
    assert (half.state, half.done) == (ImportState.DONE, work.CHUNK)
    assert half.done < half.total
    undone(half)
    assert not Invoice.objects.filter(number__startswith="N-").exists()


def test_nothing_is_imported_without_a_preview(cast: Cast) -> None:
    file_import = started(cast, many(1))
    assert not services.confirm_import(file_import=file_import)
    worked(file_import)
    services.choose_columns(
        file_import=fresh(file_import), mapping=mapping_from_json(file_import.mapping)
    )
    assert not services.confirm_import(file_import=file_import)


def test_a_preview_is_given_up_when_other_columns_are_chosen(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    file_import = started(cast, many(1))
    plan = work.InvoiceWork.plan
    other = mapping_from_json(file_import.mapping | {"currency": "CHF"})

    def choose_meanwhile(self: work.InvoiceWork, chunk: list[object]) -> object:
        monkeypatch.setattr(work.InvoiceWork, "plan", plan)
        services.choose_columns(file_import=fresh(file_import), mapping=other)
        return plan(self, chunk)

    monkeypatch.setattr(work.InvoiceWork, "plan", choose_meanwhile)
    assert worked(file_import).preview is None
    enqueue_import(file_import)
    run_due_jobs()
    assert fresh(file_import).preview is not None


def test_an_invoice_whose_customer_is_removed_meanwhile_is_refused(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    Invoice.objects.filter(customer=cast.bolt).delete()
    file_import = started(cast, csv(row("INV-9", "C-2")))
    confirm(file_import)
    plan = work.InvoiceWork.plan

    def plan_and_be_overtaken(self: work.InvoiceWork, chunk: list[object]) -> object:
        planned = plan(self, chunk)
        Customer.objects.filter(id=cast.bolt.id).delete()
        return planned

    monkeypatch.setattr(work.InvoiceWork, "plan", plan_and_be_overtaken)
    assert worked(file_import).counts == {"refuse": 1}
    assert not Customer.objects.filter(organisation=cast.harper, number="C-2").exists()
