"""Kinds of jobs for tests, which write rows that show what was done."""

from __future__ import annotations

import os
import time
from datetime import timedelta

from billhook.portal.accounts.models import User
from billhook.portal.jobs.kind import JobKind
from billhook.portal.jobs.models import Job
from billhook.portal.jobs.turn import TryLater, Turn

WORKED: list[tuple[str, str, int]] = []
"""Kind, subject and progress of the turns in this process."""
ENDED: list[tuple[str, str]] = []


def note_down(turn: Turn) -> None:
    WORKED.append((turn.kind, turn.subject, turn.done))


def count(turn: Turn) -> None:
    """Write a user for each of three turns."""
    note_down(turn)
    with turn.saving():
        User.objects.create(email=f"{turn.subject}-{turn.done}@example.com")
        turn.report(done=turn.done + 1, total=3, cursor={"at": turn.done})
        if turn.done < 3:
            turn.again()


def many(turn: Turn) -> None:
    """Write 200 users, of 1,000 items that most of them are for."""
    with turn.saving():
        User.objects.bulk_create(User(email=f"{at}@example.com") for at in range(200))
        turn.report(done=1000)
        turn.finish()


def slow(turn: Turn) -> None:
    """Count to ten, a tenth of a second for each, in turns of their own."""
    time.sleep(0.1)
    with turn.saving():
        User.objects.create(email=f"{turn.subject}-{turn.done}@example.com")
        turn.report(done=turn.done + 1, total=10)
        if turn.done < 10:
            turn.again()


def long(turn: Turn) -> None:
    """Take a second, and write one row."""
    with turn.saving():
        turn.report(note=f"Process {os.getpid()}")
    time.sleep(1.2)
    with turn.saving():
        User.objects.create(email=f"{turn.subject}@example.com")
        turn.finish()


def endless(turn: Turn) -> None:
    """Take longer than any turn may."""
    with turn.saving():
        turn.report(note="Working")
    time.sleep(600)


def later(turn: Turn) -> None:
    note_down(turn)
    if turn.done == 0:
        with turn.saving():
            turn.report(done=1)
            turn.again(after=timedelta(hours=1))


def refused(turn: Turn) -> None:
    note_down(turn)
    turn.fail("The source has no list of invoices.")


def away(turn: Turn) -> None:
    note_down(turn)
    raise TryLater("The source doesn't respond.")


def broken(turn: Turn) -> None:
    note_down(turn)
    User.objects.create(email=f"broken-{turn.attempts}@example.com")
    raise RuntimeError("canary-of-an-exception")


def half(turn: Turn) -> None:
    """Fail in the middle of a transaction."""
    note_down(turn)
    with turn.saving():
        User.objects.create(email="half@example.com")
        turn.report(done=1)
        raise RuntimeError("canary-of-an-exception")


def half_done(turn: Turn) -> None:
    """Fail each time, after one more step."""
    with turn.saving():
        turn.report(done=turn.done + 1)
    raise TryLater("The source went away.")


def note_end(job: Job) -> None:
    ENDED.append((job.subject, job.state))


KINDS = (
    JobKind(name="count", label="Counting", work=count, ended=note_end),
    JobKind(name="urgent", label="Counting for somebody", work=count, is_urgent=True),
    JobKind(name="many", label="Counting in bulk", work=many),
    JobKind(name="slow", label="Slow counting", work=slow),
    JobKind(name="long", label="Long work", work=long),
    JobKind(name="endless", label="Endless work", work=endless, most_attempts=1),
    JobKind(name="later", label="Work with a pause", work=later),
    JobKind(name="refused", label="Refused work", work=refused),
    JobKind(name="away", label="Work with another system", work=away, most_attempts=3),
    JobKind(name="broken", label="Broken work", work=broken),
    JobKind(name="half-done", label="Slow work", work=half_done, most_attempts=2),
    JobKind(name="half", label="Half work", work=half),
)
