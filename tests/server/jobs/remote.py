"""Enqueues jobs and looks at rows in an installation of its own, as the test asks on its input."""

from __future__ import annotations

import json
import sys

from billhook.server.django_setup import set_up_django

set_up_django()

from django.conf import settings  # noqa: E402
from django.db import OperationalError, close_old_connections, connection  # noqa: E402
from django.db.models import F  # noqa: E402
from django.utils import timezone  # noqa: E402

from billhook.portal.accounts.models import User  # noqa: E402
from billhook.portal.customers.models import Customer  # noqa: E402
from billhook.portal.customers.services import invite_contact, save_customers  # noqa: E402
from billhook.portal.downloads.models import ZipDownload  # noqa: E402
from billhook.portal.downloads.packing import Packing  # noqa: E402
from billhook.portal.downloads.services import ZIP, begin_downloads  # noqa: E402
from billhook.portal.fields.ids import new_id  # noqa: E402
from billhook.portal.imports.columns.fields import ImportKind  # noqa: E402
from billhook.portal.imports.jobs import enqueue_import  # noqa: E402
from billhook.portal.imports.models import FileImport  # noqa: E402
from billhook.portal.imports.services import (  # noqa: E402
    begin_undo,
    confirm_import,
    keep_upload,
)
from billhook.portal.invoices.models import Invoice  # noqa: E402
from billhook.portal.jobs.access import latest_job  # noqa: E402
from billhook.portal.jobs.models import Job  # noqa: E402
from billhook.portal.jobs.services import enqueue, stop  # noqa: E402
from billhook.portal.nodes.models import RunningNode  # noqa: E402
from billhook.portal.organisations.services import create_organisation  # noqa: E402
from billhook.server.database import prepare_database  # noqa: E402
from portal.cast import invoice  # noqa: E402
from portal.integration_cast import command, draft, integration  # noqa: E402

settings.JOB_KINDS = (*settings.JOB_KINDS, "portal.jobs.job_kinds.KINDS")


def look(job_id: str) -> dict[str, object]:
    """Return a job, and the rows that were written for its subject."""
    job = Job.objects.get(id=job_id)
    written = User.objects.filter(email__startswith=f"{job.subject}").count()
    facts = ("state", "done", "note", "attempts", "reason", "token")
    held = job.leased_until is not None
    return {name: getattr(job, name) for name in facts} | {"held": held, "written": written}


def is_writable(job_id: str) -> bool:
    """Say whether another node may write the job now: one that is frozen may hold the lock."""
    is_sqlite = connection.vendor == "sqlite"
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 500" if is_sqlite else "SET lock_timeout = 500")
    try:
        Job.objects.filter(id=job_id).update(note=F("note"))
    except OperationalError:
        return False
    finally:
        connection.close()  # the next one has its usual limits
    return True


def fill(count: int) -> None:
    """Let *count* jobs wait, as if they had been enqueued one by one."""
    now = timezone.now()
    rows = [Job(kind="count", subject=f"many-{number}", due_at=now) for number in range(count)]
    Job.objects.bulk_create(rows, batch_size=1000)


def take_in(rows: int) -> str:
    """Take in a file with new invoices, as a member does; return the id of the import."""
    member = create_organisation(name="Acme", owner_email=f"{new_id()}@acme.example")
    head = "Number;Customer number;Customer name;Date;Amount;Currency\n"
    lines = (f"N-{number};C-{number % 50};Cy;2024-05-01;5;EUR\n" for number in range(rows))
    row = keep_upload(
        organisation=member.organisation,
        user=member.user,
        kind=ImportKind.INVOICES,
        content=(head + "".join(lines)).encode(),
        file_name="many.csv",
    )
    return row.id


def go_on(import_id: str) -> str:
    """Have the next part of the work on an import done, as the member's next click does."""
    row = FileImport.objects.select_related("organisation").get(id=import_id)
    if row.state == "chosen":
        confirm_import(file_import=row)
    elif row.state == "done":
        begin_undo(file_import=row)
    row.refresh_from_db()
    return enqueue_import(row).id


def nodes_at_work() -> list[str]:
    """Return the names of the nodes that have reported that they work on jobs."""
    seen = RunningNode.objects.filter(jobs_seen_at__isnull=False)
    return list(seen.values_list("name", flat=True))


def look_at_import(import_id: str) -> dict[str, object]:
    """Return an import, and the rows that exist because of it."""
    row = FileImport.objects.get(id=import_id)
    invoices = Invoice.objects.filter(customer__organisation_id=row.organisation_id)
    return {
        "state": row.state,
        "done": row.done,
        "previewed": row.preview and row.preview["counts"],
        "invoices": invoices.count(),
        "recorded": row.rows.count(),
    }


def choose_documents(address: str, count: int) -> tuple[str, str]:
    """Choose *count* invoices to download, as a contact does; return the download and its job."""
    organisation = create_organisation(
        name="Zip", owner_email=f"{new_id()}@zip.example"
    ).organisation
    integration(organisation, draft(command(headers=()), base=address, secrets=()))
    customer = Customer(organisation=organisation, number="C-1", name="Cy")
    save_customers(customers=[customer])
    contact = invite_contact(customer=customer, email=f"{new_id()}@cy.example")
    chosen = [invoice(customer, f"Z-{number}") for number in range(count)]
    [download] = begin_downloads(user=contact.user, invoices=chosen)
    return download.id, latest_job(ZIP, download.id).id


def look_at_download(download_id: str) -> dict[str, object]:
    """Return the state of a download, and what is in its zip."""
    download = ZipDownload.objects.select_related("organisation", "user").get(id=download_id)
    packing = Packing.of(download)
    with packing.pack() as body:
        size = body.size
    return {
        "state": download.state,
        "numbers": [each.entry.invoice.number for each in packing.documents],
        "lacks": len(packing.missing) + len(packing.gone),
        "has_bytes": size > sum(each.entry.size for each in packing.documents) > 0,
    }


FUNCTIONS = {
    "choose_documents": choose_documents,
    "look_at_download": look_at_download,
    "nodes_at_work": nodes_at_work,
    "take_in": take_in,
    "go_on": go_on,
    "look_at_import": look_at_import,
    "enqueue": lambda **facts: enqueue(**facts).id,
    "stop": lambda job_id: stop(job=Job.objects.get(id=job_id)),
    "look": look,
    "is_writable": is_writable,
    "fill": fill,
    "waiting": lambda: Job.objects.filter(state="waiting").count(),
    "done": lambda: Job.objects.filter(state="done").count(),
}

prepare_database()
for line in sys.stdin:
    name, facts = json.loads(line)
    sys.stdout.write(json.dumps(FUNCTIONS[name](**facts)) + "\n")
    sys.stdout.flush()
    close_old_connections()
    connection.close()
