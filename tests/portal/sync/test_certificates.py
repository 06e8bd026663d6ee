"""The certificates of servers that only lists are read from are watched, too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.utils import timezone

from billhook.engine.errors import SourceUnreachable
from billhook.engine.http.trace import Trace
from billhook.engine.source import Source
from billhook.portal.integrations.models import Integration
from billhook.portal.notices.members.health import health_of
from billhook.portal.notices.models import IncidentKind
from billhook.portal.sync.access import certificate_ends
from billhook.portal.sync.models import SyncSource, SyncState
from billhook.portal.warnings.sources import source_warnings
from billhook.portal.warnings.warning import Code
from portal.cast import Cast
from portal.sync.billing import Billing
from portal.sync.syncing import synced

END = date(2026, 12, 3)


@pytest.fixture
def show(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Return a function that has the server show a certificate that ends then."""
    read_list = Source.read_list

    def show_certificate(ends: str) -> None:
        async def with_certificate(
            self: Source, *arguments: Any, trace: Trace, **more: Any
        ) -> AsyncIterator[Any]:
            async for page in read_list(self, *arguments, trace=trace, **more):
                exchange = trace.begin("List", "GET")
                exchange.status, exchange.certificate_ends = 200, ends
                exchange.end("ok")
                yield page

        monkeypatch.setattr(Source, "read_list", with_certificate)

    return show_certificate


def incident(source: SyncSource) -> str | None:
    row = Integration.objects.get(id=source.integration_id)
    incidents = health_of(row, now=timezone.now()).incidents
    return incidents.get(IncidentKind.SERVER_CERTIFICATE)


def test_a_sync_alone_reports_the_end_of_a_certificate_until_there_is_another(
    cast: Cast, billing: Billing, source: SyncSource, show: Callable[[str], None]
) -> None:
    billing.add()
    synced(source)
    assert source.certificate_seen_at is not None  # the exchanges of its lists were looked at
    assert (source.certificate_ends, incident(source)) == (None, None)
    show("2026-12-03")
    synced(source)
    assert source.certificate_ends == END
    assert "valid until 3 December 2026" in (incident(source) or "")
    [warning] = source_warnings(cast.bob)
    assert warning.code is Code.SERVER_CERTIFICATE_EXPIRES
    show("")
    synced(source)
    assert incident(source) is None
    assert not list(source_warnings(cast.bob))


def test_a_sync_that_reaches_nobody_leaves_what_was_seen(
    billing: Billing,
    source: SyncSource,
    show: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    billing.add()
    show("2026-12-03")
    synced(source)
    seen = source.certificate_seen_at

    async def unreachable(*_: Any, **__: Any) -> AsyncIterator[Any]:
        raise SourceUnreachable
        yield

    monkeypatch.setattr(Source, "read_list", unreachable)
    assert synced(source).state == SyncState.FAILED
    assert (source.certificate_ends, source.certificate_seen_at) == (END, seen)
    assert incident(source)


@pytest.mark.parametrize("change", ["integration", "time"])
def test_what_was_seen_before_a_change_or_long_ago_does_not_count(
    billing: Billing, source: SyncSource, show: Callable[[str], None], change: str
) -> None:
    billing.add()
    show("2026-12-03")
    synced(source)
    row = Integration.objects.get(id=source.integration_id)
    now = timezone.now()
    assert certificate_ends([row], since=now - timedelta(days=7)) == {row.id: END}
    if change == "integration":
        row.save()
    else:
        SyncSource.objects.update(certificate_seen_at=now - timedelta(days=8))
    assert certificate_ends([row], since=now - timedelta(days=7)) == {}
    assert incident(source) is None
