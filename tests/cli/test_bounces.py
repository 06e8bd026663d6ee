"""A mail server pipes a bounce to ``billhook mail bounce``, and keeps what can't be taken now."""

from __future__ import annotations

import os
import re
import sqlite3
import sys
from contextlib import closing
from email.utils import formatdate
from pathlib import Path

import pytest

import forked
from cli.operator import Installation, environment

SAMPLE = Path(__file__).parents[1] / "portal" / "notices" / "returned" / "qmail.eml"
TO = "carla@acme.example"
ADD = f"""
from billhook.server.django_setup import set_up_django
set_up_django()
from django.utils import timezone
from billhook.portal.notices.bounces.mark import mark_of
from billhook.portal.notices.models import NoticeMailing
from billhook.portal.organisations.models import Member
member = Member.objects.get()
row = NoticeMailing.objects.create(organisation=member.organisation, user=member.user,
                                   due_at=timezone.now(), state="sent", to="{TO}")
print(mark_of(row.id))
"""


def bounce_of_a_notice(installation: Installation) -> str:
    """Return a bounce of a notice, which is added for it."""
    variables = environment(BILLHOOK_DATA_DIR=str(installation.folder))
    script = installation.folder.parent / "add.py"
    script.write_text(ADD)
    done = forked.run([sys.executable, script], env=variables)
    assert done.returncode == 0, done.stderr
    text = SAMPLE.read_text().replace("MARK", done.stdout.strip()).replace("TO", TO)
    return re.sub(r"(?m)^Date: .*", f"Date: {formatdate()}", text)


def state(installation: Installation) -> str:
    with closing(sqlite3.connect(installation.folder / "billhook.sqlite3")) as database:
        return database.execute("SELECT state FROM notices_noticemailing").fetchone()[0]


def test_a_bounce_is_taken_once(installation: Installation) -> None:
    message = bounce_of_a_notice(installation)
    done = installation.run("mail", "bounce", stdin=message)
    shown = "The notice is now shown as one that came back.\n"
    assert (done.returncode, done.stdout) == (0, shown), done.stderr
    assert TO not in done.stderr
    assert state(installation) == "bounced"
    taken = installation.json("mail", "bounce", stdin=message)
    assert taken == {"ok": True, "bounce": "known"}


def test_other_mail_is_no_error_however_large(installation: Installation) -> None:
    message = "Subject: x\n\n" + "a line\n" * 200_000
    assert installation.json("mail", "bounce", stdin=message)["bounce"] == "no-mark"
    assert installation.json("mail", "bounce", stdin="")["bounce"] == "no-mark"


def nowhere(installation: Installation) -> Installation:
    return Installation(installation.folder / "nowhere")


def damaged(installation: Installation) -> Installation:
    (installation.folder / "billhook.sqlite3").write_bytes(b"no database at all" * 1000)
    return installation


def misconfigured(installation: Installation) -> Installation:
    return Installation(installation.folder, (("BILLHOOK_WORKERS", "many"),))


@pytest.mark.parametrize("broken", [nowhere, damaged, misconfigured])
def test_a_mail_server_keeps_the_bounce_while_billhook_is_broken(
    installation: Installation, broken
) -> None:
    done = broken(installation).run("mail", "bounce", stdin="Subject: x\n\n")
    assert done.returncode == os.EX_TEMPFAIL
    assert done.stderr.strip()
    response = broken(installation).json("mail", "bounce", stdin="", status=os.EX_TEMPFAIL)
    assert response["ok"] is False
