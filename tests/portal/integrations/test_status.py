"""Members see in the list whether a source is used, left alone for a while, or tried again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from asgiref.sync import async_to_sync

from billhook.engine.errors import SourcePaused, SourceUnreachable
from billhook.engine.http.breaker import BreakerState, BreakerTransport, State
from billhook.portal.documents.invoice_document import InvoiceDocument
from billhook.portal.documents.token_values import Click
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.services import set_enabled
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.runs.models import Run, RunKind
from billhook.portal.runs.recorder import RunRecorder, get_recorder, set_recorder
from portal.cast import Cast, signed_in
from portal.integration_cast import Source, draft, integration


@pytest.fixture
def source() -> Iterator[Source]:
    before = get_store(), get_recorder()
    found = Source()
    set_store(CommandStore(open_source=lambda _: found))
    set_recorder(RunRecorder())
    yield found
    set_store(before[0])
    set_recorder(before[1])


def listed(cast: Cast) -> str:
    address = f"/backoffice/{cast.harper.id}/integrations"
    return signed_in(cast.vera).get(address).content.decode()


def use(cast: Cast) -> None:
    """Use the integration once, so that its source is open."""
    get_store().refresh()
    opening = InvoiceDocument(
        click=Click(invoice=cast.open, user=cast.carla.user), kind=RunKind.VIEW
    )
    async_to_sync(opening.find)().document.close()
    get_recorder().flush()


def state(of: State, next_try: float | None = None) -> BreakerState:
    return BreakerState(
        state=of, since=0.0, next_try=next_try, failures=5, commands=("GetInvoiceImage",)
    )


@pytest.mark.parametrize(
    ("now", "told"),
    [
        pytest.param(state(State.CLOSED), "On</span>", id="used"),
        pytest.param(state(State.OPEN, 1_774_958_400.0), ">12:00:00 UTC</time>", id="left alone"),
        pytest.param(state(State.HALF_OPEN, 1.0), "Trying again</span>", id="tried again"),
    ],
)
def test_the_list_shows_the_status_of_each_source(
    cast: Cast, source: Source, now: BreakerState, told: str
) -> None:
    integration(cast.harper)
    use(cast)
    source.state = now
    assert told in listed(cast)


def test_before_its_first_use_a_source_is_shown_as_on(cast: Cast, source: Source) -> None:
    integration(cast.harper)
    source.state = state(State.OPEN, 1.0)
    get_store().refresh()
    assert "On</span>" in listed(cast)


def test_a_disabled_source_is_shown_as_off(cast: Cast, source: Source) -> None:
    row = integration(cast.harper)
    set_enabled(integration=row, enabled=False)
    assert "Off</span>" in listed(cast)


def test_a_source_that_keeps_failing_is_paused(cast: Cast) -> None:
    before = get_store(), get_recorder()
    set_recorder(RunRecorder())
    store = CommandStore(open_source=_Failing)
    set_store(store)
    try:
        row = integration(cast.harper, draft())
        for _ in range(5):
            with pytest.raises(SourceUnreachable):
                use(cast)
        with pytest.raises(SourcePaused):
            use(cast)
        get_recorder().flush()
        assert "Paused</span>" in listed(cast)
        assert "GetInvoiceImage until " in listed(cast)
        assert set(Run.objects.values_list("outcome", flat=True)) == {
            "source-unreachable",
            SourcePaused.code,
        }
        assert Integration.objects.get(id=row.id).enabled
    finally:
        set_store(before[0])
        set_recorder(before[1])


class _Failing(Source):
    """A source that is never there, behind a real breaker."""

    def __init__(self, _wiring: object) -> None:
        super().__init__()
        down = Source()
        down.answer = SourceUnreachable()
        self._breaker = BreakerTransport(down)
        self.exchange = self._breaker.exchange  # type: ignore[method-assign]

    @property
    def state(self) -> BreakerState:  # type: ignore[override]
        return self._breaker.state

    @state.setter
    def state(self, _value: BreakerState) -> None:
        """Take no notice: the breaker knows."""
