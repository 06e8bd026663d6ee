"""VIEW asks an organisation's sources in order, and every one that is asked leaves a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pypdfium2
import pytest
from asgiref.sync import async_to_sync

from billhook.engine.errors import (
    BillhookError,
    ConfigurationError,
    DocumentNotFound,
    SourcePaused,
    SourceTimeout,
)
from billhook.portal.documents.invoice_document import InvoiceDocument
from billhook.portal.documents.token_values import Click
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.models import Integration, OnFailure
from billhook.portal.integrations.policy import Wiring
from billhook.portal.integrations.services import save_integration
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.invoices.plain_pdf import STATEMENT
from billhook.portal.runs.models import Run, RunKind
from billhook.portal.runs.recorder import FoundDocument, RunRecorder, get_recorder, set_recorder
from portal.cast import Cast
from portal.integration_cast import PDF, Source, draft, integration

ANSWERS: Mapping[str, BillhookError | tuple[int, bytes]] = {
    "has": (200, PDF),
    "none": (404, b""),
    "slow": SourceTimeout("whole"),
    "paused": SourcePaused(),
}


class Sources:
    """The sources behind the integrations, by host."""

    def __init__(self) -> None:
        self.by_host: dict[str, Source] = {}

    def open(self, wiring: Wiring) -> Source:
        (origin,) = wiring.integration.origins
        return self.by_host[origin.host]

    def add(self, cast: Cast, responses: str, on_failure: str = OnFailure.STOP) -> Integration:
        """Add an integration whose source answers like that, last in the order."""
        name = f"source{len(self.by_host)}"
        source = self.by_host[f"{name}.example"] = Source()
        source.answer = ANSWERS[responses]
        given = draft(name=name, base=f"https://{name}.example")
        return integration(cast.harper, replace(given, on_failure=on_failure))

    @property
    def asked(self) -> list[int]:
        """The number of requests to each source."""
        return [len(source.requests) for source in self.by_host.values()]


@pytest.fixture
def sources() -> Iterator[Sources]:
    before = get_store(), get_recorder()
    found = Sources()
    set_store(CommandStore(open_source=found.open))
    set_recorder(RunRecorder())
    yield found
    set_store(before[0])
    set_recorder(before[1])


def view(cast: Cast) -> FoundDocument:
    get_store().refresh()
    cast.open.organisation.refresh_from_db()
    opening = InvoiceDocument(
        click=Click(invoice=cast.open, user=cast.carla.user), kind=RunKind.VIEW
    )
    try:
        return async_to_sync(opening.find)()
    finally:
        get_recorder().flush()


def runs() -> list[tuple[str, str]]:
    """Return the outcomes in the order of the runs: the first, then those that are part of it."""
    rows = list(Run.objects.order_by("started_at"))
    first = rows[0]
    assert first.part_of == ""
    assert {row.part_of for row in rows[1:]} <= {first.id}
    return [(row.outcome, row.reason) for row in rows]


def test_the_first_source_that_has_the_document_returns_it(cast: Cast, sources: Sources) -> None:
    sources.add(cast, "has")
    sources.add(cast, "has")
    with view(cast).document as document:
        assert document.body.read() == PDF
    assert sources.asked == [1, 0]
    assert runs() == [("ok", "")]


def test_after_not_found_the_next_source_is_tried(cast: Cast, sources: Sources) -> None:
    for responses in ("none", "none", "has"):
        sources.add(cast, responses)
    with view(cast).document as document:
        assert document.body.read() == PDF
    assert sources.asked == [1, 1, 1]
    assert runs() == [("document-not-found", "404"), ("document-not-found", "404"), ("ok", "")]


@pytest.mark.parametrize("failing", [pytest.param(name, id=name) for name in ("slow", "paused")])
def test_after_a_failure_the_next_source_is_tried_only_if_configured(
    cast: Cast, sources: Sources, failing: str
) -> None:
    row = sources.add(cast, failing)
    sources.add(cast, "has")
    with pytest.raises(BillhookError):
        view(cast)
    assert sources.asked[1] == 0
    set_so = replace(draft_of(row), on_failure=OnFailure.NEXT)
    save_integration(integration=row, draft=set_so, version=row.version)
    with view(cast).document as document:
        assert document.body.read() == PDF


def test_a_failure_outweighs_not_found(cast: Cast, sources: Sources) -> None:
    sources.add(cast, "none")
    sources.add(cast, "slow", OnFailure.NEXT)
    sources.add(cast, "none")
    with pytest.raises(SourceTimeout):
        view(cast)
    assert [outcome for outcome, _ in runs()] == [
        "document-not-found",
        "source-timeout",
        "document-not-found",
    ]


def test_if_no_source_has_it_the_result_is_not_found(cast: Cast, sources: Sources) -> None:
    sources.add(cast, "none")
    with pytest.raises(DocumentNotFound):
        view(cast)


def allow_plain(cast: Cast) -> None:
    cast.harper.plain_rendering = True
    cast.harper.save()


def text_of(found: FoundDocument) -> str:
    with found.document as document:
        pdf = pypdfium2.PdfDocument(document.body.read())
    try:
        return str(pdf[0].get_textpage().get_text_bounded())
    finally:
        pdf.close()


def test_if_no_source_has_it_a_summary_is_shown_where_allowed(cast: Cast, sources: Sources) -> None:
    sources.add(cast, "none")
    allow_plain(cast)
    found = view(cast)
    assert found.reason == "plain-rendering"
    text = text_of(found)
    assert STATEMENT in text
    assert "INV-1" in text
    assert runs() == [("document-not-found", "404"), ("ok", "plain-rendering")]
    assert Run.objects.get(reason="plain-rendering").integration is None


def test_a_failure_that_stops_the_search_gives_no_summary(cast: Cast, sources: Sources) -> None:
    sources.add(cast, "slow")
    allow_plain(cast)
    with pytest.raises(SourceTimeout):
        view(cast)


def test_without_any_source_the_result_is_a_summary_or_an_error(
    cast: Cast, sources: Sources
) -> None:
    with pytest.raises(ConfigurationError):
        view(cast)
    allow_plain(cast)
    assert STATEMENT in text_of(view(cast))
    assert [row.outcome for row in Run.objects.order_by("started_at")] == ["configuration", "ok"]


def test_the_page_and_the_response_name_the_first_run(cast: Cast, sources: Sources) -> None:
    sources.add(cast, "none")
    sources.add(cast, "has")
    get_store().refresh()
    opening = InvoiceDocument(
        click=Click(invoice=cast.open, user=cast.carla.user), kind=RunKind.VIEW
    )
    async_to_sync(opening.find)().document.close()
    get_recorder().flush()
    assert Run.objects.order_by("started_at")[0].id == opening.run_id
