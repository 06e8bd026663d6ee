"""No page of runs, integrations or keys reads or sorts a whole table."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from billhook.portal.integrations import services
from billhook.portal.runs.models import Run, RunKind
from portal.cast import Cast, signed_in
from portal.integration_cast import draft, integration
from portal.plans import costly_plans


@pytest.fixture
def busy(cast: Cast) -> Cast:
    """Harper IT has more of everything than fits on a page."""
    rows = [integration(cast.harper, draft(name=f"Number {n}")) for n in range(3)]
    for n in range(3):
        services.create_api_key(organisation=cast.harper, name=f"Key {n}", user=cast.alice.user)
    begun = datetime(2026, 3, 31, 12, tzinfo=UTC)
    Run.objects.bulk_create(
        Run(
            organisation=cast.harper,
            integration=rows[n % 3],
            invoice=cast.open if n % 2 else None,
            kind=RunKind.VIEW,
            outcome="source-timeout" if n % 5 == 0 else "ok",
            started_at=begun + timedelta(seconds=n),
            milliseconds=1,
        )
        for n in range(160)
    )
    return cast


RUNS = (
    "",
    "?page=last",
    "?outcome=ok",
    "?outcome=failed",
    "?outcome=failed&page=last",
    "?kind=view",
    "?kind=try",
    "?since=2026-03-01&until=2026-04-01",
    "?integration={integration}",
    "?integration=Number+1&outcome=failed&kind=view",
    "?search={run}",
    "?search={invoice}",
    "?search=acme",
    "?search=source-timeout",
    "?integration=No+such",
)


@pytest.mark.parametrize("query", RUNS)
def test_no_list_of_runs_grows_with_all_runs(busy: Cast, query: str) -> None:
    run = Run.objects.select_related("integration").first()
    assert run is not None
    assert run.integration is not None
    asked = query.format(integration=run.integration.id, run=run.id, invoice=busy.open.number)
    address = reverse("backoffice:runs", args=[busy.harper.id])
    assert costly_plans(signed_in(busy.vera), address + asked) == []


def test_no_page_of_one_run_grows_with_all_runs(busy: Cast) -> None:
    run = Run.objects.first()
    assert run is not None
    address = reverse("backoffice:run", args=[busy.harper.id, run.id])
    assert costly_plans(signed_in(busy.alice), address) == []


@pytest.mark.parametrize("query", ["", "?page=last", "?q=number"])
@pytest.mark.parametrize("page", ["integrations", "keys"])
def test_no_list_of_integrations_or_keys_grows_with_all(busy: Cast, page: str, query: str) -> None:
    address = reverse(f"backoffice:{page}", args=[busy.harper.id])
    assert costly_plans(signed_in(busy.alice), address + query) == []
