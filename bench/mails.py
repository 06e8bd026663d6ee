"""Measures how many mails with a notice one process for jobs sends in a minute.

``python -m bench.mails`` uses SQLite in a new folder, or PostgreSQL with BILLHOOK_DATABASE_URL. One
invoice is new for many contacts, without its document; a mail server on loopback, a process of its
own, takes each mail and drops it.
"""

from __future__ import annotations

import argparse
import socket  # noqa: TID251 - to wait for the mail server
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from bench.processes import free_port
from billhook.portal.installation import environment

FOLDER = tempfile.TemporaryDirectory(prefix="billhook-bench-mails-")
PORT = free_port()
environment.put("BILLHOOK_DATA_DIR", f"{FOLDER.name}/data")
environment.put("BILLHOOK_EMAIL_URL", f"smtp+plain://127.0.0.1:{PORT}")
environment.put("BILLHOOK_NOTICES_PER_HOUR", "1000000")
environment.put("BILLHOOK_LOG_LEVEL", "warning")

from billhook.server.django_setup import set_up_django  # noqa: E402

set_up_django()

from django.utils import timezone  # noqa: E402

from bench.seeding import invoice_facts  # noqa: E402
from billhook.portal.customers.services import invite_contact, save_customer  # noqa: E402
from billhook.portal.invoices.services import save_invoice  # noqa: E402
from billhook.portal.jobs.clock import PresentTime  # noqa: E402
from billhook.portal.jobs.models import Job  # noqa: E402
from billhook.portal.jobs.run import run_due_jobs  # noqa: E402
from billhook.portal.notices.access import rules_of  # noqa: E402
from billhook.portal.notices.models import MailingState, NoticeMailing  # noqa: E402
from billhook.portal.notices.services import change_rules  # noqa: E402
from billhook.portal.organisations.services import create_organisation  # noqa: E402
from billhook.server.database import prepare_database  # noqa: E402


def main() -> int:
    """Send the mails; return 0 if each was sent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mails", type=int, default=1_000)
    count = parser.parse_args().mails
    prepare_database()
    seed(count)
    with mail_server():
        began, processor = time.monotonic(), time.process_time()
        while NoticeMailing.objects.filter(state=MailingState.SENT).count() < count:
            Job.objects.filter(leased_until=None).update(due_at=PresentTime())
            run_due_jobs()
            if NoticeMailing.objects.exclude(reason="").exists():
                print("A mail was not sent.", file=sys.stderr)
                return 1
        seconds, processor = time.monotonic() - began, time.process_time() - processor
    print(f"{count:,} mails in {seconds:.1f} s: {count / seconds * 60:,.0f} a minute,")
    print(f"of which a processor was busy for {processor:.1f} s")
    return 0


def seed(count: int) -> None:
    """Add a customer with *count* contacts, turn notices on, and then add an invoice."""
    organisation = create_organisation(name="Bench", owner_email="owner@bench.example").organisation
    customer = save_customer(organisation=organisation, number="C1", name="Customer", locale="en")
    for number in range(count):
        invite_contact(customer=customer, email=f"contact{number}@bench.example")
    rules = rules_of(organisation)
    change_rules(rules=rules, changes={"sends_new": True})
    facts = replace(invoice_facts(1), issued_on=timezone.localdate(), due_on=None)
    save_invoice(customer=customer, facts=facts)


@contextmanager
def mail_server() -> Iterator[None]:
    """Run a mail server that takes everything, for the block."""
    command = [sys.executable, "-m", "aiosmtpd", "-n", "-l", f"127.0.0.1:{PORT}"]
    server = subprocess.Popen([*command, "-c", "aiosmtpd.handlers.Sink"])
    try:
        wait_for_server()
        yield
    finally:
        server.terminate()
        server.wait()


def wait_for_server() -> None:
    for _ in range(100):
        with suppress(OSError), socket.create_connection(("127.0.0.1", PORT), timeout=1):
            return
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
