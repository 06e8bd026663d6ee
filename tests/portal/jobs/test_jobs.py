"""Jobs are done in turns that are committed with their progress, in this test's own process."""

from __future__ import annotations

import gc
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django_q.models import OrmQ

from billhook.portal.accounts.models import User
from billhook.portal.jobs import lease, run
from billhook.portal.jobs.access import latest_job
from billhook.portal.jobs.clock import PresentTime
from billhook.portal.jobs.dispatch import MOST_TICKETS, give_tickets
from billhook.portal.jobs.models import Job, JobSchedule
from billhook.portal.jobs.run import run_due_jobs, run_job
from billhook.portal.jobs.services import (
    enqueue,
    enqueue_scheduled,
    forget_ended_jobs,
    retry,
    run_now,
    schedule,
    stop,
    unschedule,
)
from billhook.portal.jobs.turn import Turn, TurnLost
from portal.cast import Cast
from portal.jobs.job_kinds import ENDED, WORKED

pytestmark = pytest.mark.django_db


def emails() -> set[str]:
    return set(User.objects.values_list("email", flat=True))


def read(job: Job) -> Job:
    return Job.objects.get(id=job.id)


def lose_lease(job: Job) -> None:
    Job.objects.filter(id=job.id).update(leased_until=PresentTime() - timedelta(seconds=1))


def test_a_job_is_done_in_turns():
    job = enqueue("count", subject="a", title="Count to three")
    assert (job.state, job.done) == ("waiting", 0)
    assert run_due_jobs() == 3
    job = read(job)
    assert (job.state, job.done, job.total, job.cursor) == ("done", 3, 3, {"at": 2})
    assert job.started_at <= job.ended_at
    assert emails() == {"a-0@example.com", "a-1@example.com", "a-2@example.com"}
    assert ENDED == [("a", "done")]


@pytest.mark.skipif("connection.vendor != 'sqlite'", reason="what SQLite knows of its tables")
def test_the_database_looks_at_its_tables_again_after_a_long_job():
    enqueue("many", subject="a")
    assert run_due_jobs() == 1
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM sqlite_stat1 WHERE tbl = 'accounts_user'")
        assert cursor.fetchone()[0] > 0


def test_each_turn_has_a_ticket_of_the_engine():
    job = enqueue("count", subject="a")
    first = OrmQ.objects.get()
    assert job.ticket == first.pk
    assert run_job(job.id)
    assert read(job).ticket == OrmQ.objects.exclude(pk=first.pk).get().pk


def test_a_job_that_was_enqueued_in_a_transaction_that_fails_was_never_there():
    with transaction.atomic():
        enqueue("count", subject="a")
        transaction.set_rollback(True)
    assert (Job.objects.count(), OrmQ.objects.count()) == (0, 0)


def test_an_open_job_is_enqueued_once():
    job = enqueue("count", subject="a")
    assert enqueue("count", subject="a") == job
    assert enqueue("count", subject="b") != job
    run_due_jobs()
    assert enqueue("count", subject="a") != job


def test_a_job_that_is_asked_for_while_it_runs_begins_once_more():
    job = enqueue("count", subject="a")
    run_job(job.id)
    assert enqueue("count", subject="a") == job
    User.objects.all().delete()
    assert run_due_jobs(most=2) == 2
    assert (read(job).state, read(job).done) == ("waiting", 0)
    User.objects.all().delete()
    assert run_due_jobs() == 3
    assert read(job).state == "done"


def test_a_job_for_later_is_done_sooner_if_somebody_asks():
    job = enqueue("count", subject="a", after=timedelta(hours=1))
    assert run_due_jobs() == 0
    enqueue("count", subject="a", after=timedelta(hours=2))
    assert run_due_jobs() == 0
    enqueue("count", subject="a")
    assert run_due_jobs() == 3
    assert read(job).state == "done"


def test_a_pause_is_kept_unless_somebody_wants_it_now():
    job = enqueue("later")
    assert run_due_jobs() == 1
    assert read(job).state == "running"
    assert OrmQ.objects.filter(pk=read(job).ticket or 0).count() == 0
    assert run_now(job=read(job))
    assert run_due_jobs() == 1
    assert read(job).state == "done"
    assert not run_now(job=read(job))


def test_a_job_that_fails_says_why_and_can_be_retried():
    job = enqueue("refused")
    run_due_jobs()
    assert (read(job).state, read(job).reason) == ("failed", "The source has no list of invoices.")
    assert retry(job=job)
    assert not retry(job=job)
    assert run_due_jobs() == 1


def test_a_failed_attempt_is_made_again_after_growing_pauses_and_fails_at_last():
    job = enqueue("away")
    pauses = []
    for _ in range(3):
        before = read(job).due_at
        run_due_jobs()
        pauses.append((read(job).due_at - before).total_seconds())
        run_now(job=read(job))
    assert 9 < pauses[0] < 12
    assert 29 < pauses[1] < 32
    assert (read(job).state, read(job).attempts) == ("failed", 3)
    assert read(job).reason == "The source doesn't respond."


def test_a_turn_that_got_on_before_it_failed_is_the_first_failed_one_again():
    job = enqueue("half-done")
    for done in range(1, 5):
        run_now(job=job)
        run_due_jobs()
        assert (read(job).state, read(job).done, read(job).attempts) == ("running", done, 1)


@pytest.mark.parametrize(("kind", "written"), [("broken", 1), ("half", 0)])
def test_an_unexpected_error_ends_the_turn_and_leaks_nothing(kind, written, capsys):
    job = enqueue(kind)
    assert run_due_jobs() == 1
    assert (read(job).state, read(job).attempts, read(job).done) == ("running", 1, 0)
    assert read(job).reason == run.INTERNAL
    assert User.objects.count() == written
    assert "canary" not in capsys.readouterr().err + read(job).reason


def test_a_worker_that_lost_its_lease_commits_nothing():
    job = enqueue("count", subject="a")
    frozen = lease.claim(job.id)
    assert frozen is not None
    assert not run_job(job.id)
    lose_lease(job)
    assert run_job(job.id)
    turn = Turn(frozen, lease)
    with pytest.raises(TurnLost), turn.saving():
        User.objects.create(email="twice@example.com")
    with pytest.raises(TurnLost):
        turn.end()
    run_due_jobs()
    assert emails() == {"a-0@example.com", "a-1@example.com", "a-2@example.com"}


def test_no_garbage_is_collected_while_others_wait_to_write():
    mine = lease.claim(enqueue("count", subject="a").id)
    assert mine is not None
    turn = Turn(mine, lease)
    with pytest.raises(ZeroDivisionError), turn.saving():
        raise ZeroDivisionError
    assert gc.isenabled()
    with turn.saving():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_lease_that_ends_in_the_middle_of_a_transaction_is_begun_again_by_it():
    job = enqueue("count", subject="a")
    mine = lease.claim(job.id)
    assert mine is not None
    lose_lease(job)
    with Turn(mine, lease).saving():
        assert not run_job(job.id)


def test_a_job_whose_process_dies_each_time_fails():
    job = enqueue("count", subject="a")
    for _ in range(8):
        assert lease.claim(job.id) is not None
        lose_lease(job)
    run_due_jobs()
    assert (read(job).state, read(job).reason) == ("failed", run.INTERRUPTED)
    assert WORKED == []


def test_a_job_that_is_stopped_commits_nothing_more():
    job = enqueue("count", subject="a")
    mine = lease.claim(job.id)
    assert mine is not None
    assert stop(job=job)
    assert not stop(job=job)
    with pytest.raises(TurnLost):
        Turn(mine, lease).end()
    assert run_due_jobs() == 0
    assert ENDED == [("a", "stopped")]
    assert retry(job=read(job))
    assert run_due_jobs() == 3


def test_a_retried_job_goes_on_from_where_it_ended():
    job = enqueue("count", subject="a")
    run_job(job.id)
    stop(job=read(job))
    retry(job=read(job))
    run_due_jobs()
    assert [done for _, _, done in WORKED] == [0, 1, 2]


def test_two_jobs_of_a_chain_never_overlap():
    first = enqueue("count", subject="a", chain="source:1")
    second = enqueue("count", subject="b", chain="source:1")
    other = enqueue("count", subject="c", chain="source:2")
    assert run_job(first.id)
    assert not run_job(second.id)  # between two turns of the first, too
    assert run_job(other.id)
    run_due_jobs()
    done = [subject for _, subject, _ in WORKED]
    assert [each for each in done if each != "c"] == ["a"] * 3 + ["b"] * 3


def test_the_next_of_a_chain_gets_a_ticket_at_once():
    first = enqueue("refused", subject="a", chain="source:1")
    second = enqueue("count", subject="b", chain="source:1")
    OrmQ.objects.all().delete()
    run_job(first.id)
    assert read(second).ticket == OrmQ.objects.get().pk


def test_a_job_of_a_kind_that_only_a_newer_version_has_waits_for_that(settings):
    job = enqueue("count", subject="a")
    settings.JOB_KINDS = ()
    assert run_due_jobs() == 1
    assert (read(job).state, read(job).attempts) == ("running", 0)
    assert run_due_jobs() == 0


def test_a_lost_ticket_is_given_again():
    job = enqueue("count", subject="a")
    assert give_tickets() == 0
    OrmQ.objects.all().delete()
    assert give_tickets() == 1
    assert read(job).ticket == OrmQ.objects.get().pk


def test_few_tickets_exist_however_many_jobs_wait():
    for number in range(MOST_TICKETS + 5):
        enqueue("count", subject=f"{number}")
    assert OrmQ.objects.count() == MOST_TICKETS
    assert give_tickets() == 0
    OrmQ.objects.first().delete()
    assert give_tickets() == 1


def test_urgent_jobs_get_tickets_before_others():
    for number in range(MOST_TICKETS + 5):
        enqueue("count", subject=f"{number}")
    urgent = enqueue("urgent", subject="page")
    OrmQ.objects.all().delete()
    give_tickets()
    assert OrmQ.objects.filter(pk=read(urgent).ticket).exists()
    assert run_due_jobs(most=1) >= 1
    assert WORKED[0][0] == "urgent"


def test_an_organisation_with_many_jobs_leaves_room_for_another(cast: Cast):
    for number in range(2 * MOST_TICKETS):
        enqueue("count", subject=f"{number}", organisation=cast.harper)
    OrmQ.objects.all().delete()
    Job.objects.update(ticket=None)
    late = enqueue("count", subject="late", organisation=cast.northwind)
    OrmQ.objects.all().delete()
    give_tickets()
    assert OrmQ.objects.count() == MOST_TICKETS
    assert OrmQ.objects.filter(pk=read(late).ticket).exists()


def test_a_schedule_enqueues_again_and_again(cast: Cast):
    schedule(
        "count", subject="a", every=timedelta(hours=1), organisation=cast.harper, title="Often"
    )
    assert (enqueue_scheduled(), enqueue_scheduled()) == (1, 0)
    job = latest_job("count", "a")
    assert job is not None
    assert (job.organisation, job.title) == (cast.harper, "Often")
    JobSchedule.objects.update(next_at=PresentTime() - timedelta(hours=3))
    assert (enqueue_scheduled(), enqueue_scheduled()) == (1, 0)
    assert Job.objects.count() == 1  # the first is still open
    schedule("count", subject="a", every=timedelta(minutes=5), organisation=cast.harper)
    row = JobSchedule.objects.get()
    assert (row.every, row.next_at - job.created_at < timedelta(minutes=6)) == (
        timedelta(minutes=5),
        True,
    )
    unschedule("count", subject="a")
    assert not JobSchedule.objects.exists()


def test_jobs_that_ended_long_ago_are_forgotten():
    enqueue("count", subject="old")
    run_due_jobs()
    assert forget_ended_jobs() == 0
    Job.objects.update(ended_at=PresentTime() - timedelta(days=31))
    enqueue("count", subject="open")
    assert forget_ended_jobs() == 1
    assert Job.objects.get().subject == "open"


def test_a_schedule_may_begin_later():
    schedule("count", every=timedelta(hours=1), first_after=timedelta(minutes=1))
    assert enqueue_scheduled() == 0


def test_a_chunk_is_smaller_after_a_slow_one_and_grows_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("billhook.portal.jobs.turn.GOAL", 0.04)
    turn = Turn(Job(), lease)
    first = turn.fitting(100)
    turn._note(0.2)
    slow = turn.fitting(100)
    assert slow == first // 2
    for _ in range(20):
        turn._note(0.005)
        turn.fitting(100)
    assert turn.fitting(100) == 100
    for _ in range(20):
        turn.fitting(100)
        turn._note(5.0)
    assert turn.fitting(100) == 5
    assert turn.fitting(1) == 1


def test_a_small_transaction_between_two_chunks_teaches_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("billhook.portal.jobs.turn.GOAL", 0.04)
    turn = Turn(Job(), lease)
    turn.fitting(100)
    turn._note(0.2)
    for _ in range(20):
        turn._note(0.001)
    assert turn.fitting(100) == 50


def test_a_rest_is_as_long_as_all_transactions_since_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rests: list[float] = []
    monkeypatch.setattr("billhook.portal.jobs.turn.time.sleep", rests.append)
    turn = Turn(Job(), lease)
    for _ in range(5):
        turn._note(0.05)
    turn.rest()
    turn.rest()
    assert rests == [pytest.approx(0.25), 0.0]
