"""Processes share limits and pauses through the database; who is alone writes no report."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from billhook.engine.http.breaker import SourcePause
from billhook.engine.isolation.rate_limit import RateLimit
from billhook.portal.nodes.exchange import Exchange
from billhook.portal.nodes.models import RunningNode, SharedReport
from billhook.portal.nodes.node import this_node
from billhook.portal.nodes.pauses import PauseBoard
from billhook.portal.nodes.services import report_node, write_report
from billhook.portal.nodes.shared_rate import SharedRate

pytestmark = pytest.mark.django_db


class Clock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def rate(clock: Clock, *, per_second: float = 10, burst: int = 20) -> RateLimit:
    return RateLimit(per_second=per_second, burst=burst, clock=clock)


def use_all(limit: RateLimit, key: str = "key") -> int:
    used = 0
    while limit.use(key) == 0.0:
        used += 1
    return used


def test_what_one_process_used_is_missing_in_the_other() -> None:
    clock = Clock()
    one, other = rate(clock), rate(clock)
    exchanges = [
        Exchange([SharedRate("key", each, clock=clock)], has_siblings=True) for each in (one, other)
    ]
    assert use_all(one) == 20
    for each in exchanges:
        each.once()
    assert other.use("key") > 0
    assert use_all(other, "another key") == 20


def test_two_processes_together_pass_what_one_may() -> None:
    clock = Clock()
    limits = [rate(clock), rate(clock)]
    exchanges = [
        Exchange([SharedRate("key", each, clock=clock)], has_siblings=True) for each in limits
    ]
    used = 0
    for _ in range(30):
        used += sum(map(use_all, limits))
        for each in exchanges:
            each.once()
        clock.now += 1
    assert used <= 30 * 10 + 20 * 3


def test_each_use_is_charged_once_however_often_a_report_is_read() -> None:
    clock = Clock()
    one, other = rate(clock, burst=100), rate(clock, burst=100)
    first = SharedRate("key", one, clock=clock)
    second = SharedRate("key", other, clock=clock)
    for _ in range(30):
        one.use("key")
    report = first.report()
    second.receive("one", report)
    second.receive("one", report)
    assert use_all(other) == 70


def test_a_process_that_was_restarted_counts_from_the_start_again() -> None:
    clock = Clock()
    other = rate(clock, burst=100)
    topic = SharedRate("key", other, clock=clock)
    topic.receive("one", {"key": 60})
    topic.receive("one", {"key": 10})
    assert use_all(other) == 30


def test_uses_far_below_the_rate_are_not_reported() -> None:
    clock = Clock()
    limit = rate(clock, per_second=100, burst=200)
    topic = SharedRate("key", limit, clock=clock)
    for _ in range(4):
        limit.use("rare")
    for _ in range(5):
        limit.use("frequent")
    assert topic.report() == {"frequent": 5}
    clock.now += 16
    assert topic.report() is None


def test_who_is_alone_writes_only_that_the_node_is_alive() -> None:
    clock = Clock()
    limit = rate(clock)
    exchange = Exchange([SharedRate("key", limit, clock=clock)])
    use_all(limit)
    exchange.once()
    assert not SharedReport.objects.exists()
    assert [node.name for node in RunningNode.objects.all()] == [this_node().name]


def test_a_node_that_is_alone_shares_pauses_with_its_own_processes_for_jobs() -> None:
    clock = Clock()
    limit = rate(clock)
    server_board, job_board = PauseBoard(), PauseBoard()
    server = Exchange([SharedRate("key", limit, clock=clock)], for_jobs=[server_board])
    use_all(limit)
    until = time.time() + 60
    server_board._note("acme", "Get", SourcePause(since=until - 90, until=until, next_pause=60))
    server.once()
    assert "key" not in SharedReport.objects.get().content
    Exchange(for_jobs=[job_board]).swap()
    assert job_board._heard["acme/Get"][1] is not None


def test_another_node_that_is_alive_begins_the_exchange() -> None:
    report_node(replace(this_node(), id="another", name="another"))
    clock = Clock()
    limit = rate(clock)
    exchange = Exchange([SharedRate("key", limit, clock=clock)])
    use_all(limit)
    exchange.once()
    assert SharedReport.objects.count() == 1
    exchange.leave()
    assert not SharedReport.objects.exists()
    assert [node.name for node in RunningNode.objects.all()] == ["another"]


def test_an_idle_process_writes_nothing_again() -> None:
    exchange = Exchange([SharedRate("key", rate(Clock()))], has_siblings=True)
    exchange.once()
    with CaptureQueriesContext(connection) as queries:
        exchange.once()
    asked = [query["sql"].partition(" ")[0] for query in queries]
    assert set(asked) == {"SELECT"}
    assert len(asked) <= 2  # PostgreSQL is asked for its time, too


def test_a_report_that_nobody_can_read_is_ignored() -> None:
    write_report("newer", number=1, content="{")
    exchange = Exchange([SharedRate("key", rate(Clock()))], has_siblings=True)
    exchange.once()
    exchange.once()


def pause(seconds: float = 60) -> SourcePause:
    return SourcePause(since=time.time(), until=time.time() + seconds, next_pause=20)


def test_a_pause_and_its_end_are_passed_on() -> None:
    one, other = PauseBoard(), PauseBoard()
    exchanges = [Exchange([board], has_siblings=True) for board in (one, other)]
    found = pause()
    one._note("harper", "Get", found)
    for each in exchanges:
        each.once()
    assert other._heard["harper/Get"][1] == found
    one._note("harper", "Get", None)
    for each in exchanges:
        each.once()
    assert other._heard["harper/Get"][1] is None


def test_what_a_process_found_later_itself_counts_more() -> None:
    board = PauseBoard()
    board._note("harper", "Get", None)
    board.receive("other", {"harper/Get": [time.time() - 10, 1.0, time.time() + 50, 20.0]})
    assert "harper/Get" not in board._heard


def test_an_old_pause_is_forgotten() -> None:
    board = PauseBoard()
    board._note("harper", "Get", pause(-60))
    assert board.report() is None
