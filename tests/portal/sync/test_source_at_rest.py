"""Syncs of a list that has not changed, and of a source that other processes found dead."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

import pytest
from django.utils import timezone

from billhook.portal.integrations.models import Integration
from billhook.portal.invoices.models import Invoice
from billhook.portal.nodes.pauses import PauseBoard
from billhook.portal.sync import work
from billhook.portal.sync.models import SyncRun, SyncSource, SyncState
from billhook.portal.sync.services import sync_of
from portal.sync import billing as books
from portal.sync.billing import Billing
from portal.sync.syncing import ours, reasons, synced

ONE_PAGE = re.sub(r"pages = .*\nchanges = .*", "conditional = true", books.INVOICES)


def test_an_unchanged_list_is_not_sent_again_and_changes_and_hides_nothing(
    billing: Billing, connect: Callable[..., Integration], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(books, "INVOICES", ONE_PAGE)
    source = sync_of(connect(lists="", more='customer_name = "$.customer"'))
    billing.has_tags = True
    first, second = billing.add(), billing.add()
    synced(source)
    before = [(row.id, row.changed_at, row.status) for row in ours(source)]
    run = synced(source)
    assert (reasons(), run.state, run.rows) == ([], SyncState.DONE, 0)
    none, tag = billing.conditions
    assert none is None
    assert tag is not None
    assert [(row.id, row.changed_at, row.status) for row in ours(source)] == before
    assert not Invoice.objects.filter(hidden_at__isnull=False).exists()
    assert source.good_at == run.started_at
    billing.pay(first)
    del billing.invoices[second]
    run = synced(source)
    assert billing.conditions[2] == tag
    assert run.rows == 1
    assert {row.source_id: bool(row.hidden_at) for row in ours(source)} == {
        first: False,
        second: True,
    }


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> PauseBoard:
    """The pauses that this process knows: none at first."""
    board = PauseBoard()
    monkeypatch.setattr(work, "pause_board", lambda: board)
    return board


def hear_of_pause(board: PauseBoard, source: SyncSource) -> float:
    """Have another process report that it found the source dead; return the pause's end."""
    now = time.time()
    board.receive(
        "another", {f"{source.integration_id}/GetInvoiceImage": [now, now - 5, now + 50, 60.0]}
    )
    return now + 50


def test_a_sync_leaves_a_source_alone_that_another_process_found_dead(
    billing: Billing, source: SyncSource, board: PauseBoard
) -> None:
    billing.add()
    until = hear_of_pause(board, source)
    run = synced(source)
    assert run.state == SyncState.RUNNING
    assert run.resume_at is not None
    assert abs(run.resume_at.timestamp() - until) < 5
    assert (billing.requests, source.failures) == ([], 0)
    hear_of_pause(board, source)
    SyncRun.objects.filter(id=run.id).update(resume_at=timezone.now())
    synced(source)
    run.refresh_from_db()  # it has waited once
    assert (run.state, len(ours(source))) == (SyncState.DONE, 1)


def test_a_sync_goes_on_when_another_process_has_reached_the_source(
    billing: Billing, source: SyncSource, board: PauseBoard
) -> None:
    hear_of_pause(board, source)
    board.receive("another", {f"{source.integration_id}/GetInvoiceImage": [time.time() + 1]})
    assert board.pause_of(source.integration_id, "GetInvoiceImage") is None
    assert synced(source).state == SyncState.DONE
    assert billing.requests
