"""The hot paths read from memory, and a change applies immediately here and soon elsewhere."""

from __future__ import annotations

import asyncio
import hashlib

import pytest
import structlog
from django.db import OperationalError

from billhook.engine.command.compile import compile_command
from billhook.engine.secret import Secret
from billhook.portal.integrations import services
from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.memory import rows
from billhook.portal.integrations.memory.rows import Caller
from billhook.portal.integrations.models import ApiKey, Integration, StoredSecret
from billhook.portal.integrations.store import CommandStore
from billhook.portal.organisations.models import Organisation
from portal.cast import Cast
from portal.integration_cast import CANARY, Source, command, draft, integration, sources_of
from waiting import until

COMMAND = "GetInvoiceImage"


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def store(source: Source) -> CommandStore:
    return CommandStore(open_source=lambda _: source, look_every=0.01)


def caller_of(organisation: Organisation) -> Caller:
    return Caller(key_id="key", organisation_id=organisation.id)


def loaded(store: CommandStore, row: Integration) -> LiveIntegration | None:
    store.refresh()
    return store.find(caller_of(row.organisation), row.id, COMMAND)


def digest(key: services.NewApiKey) -> str:
    return hashlib.sha256(key.value.reveal().encode()).hexdigest()


def test_a_command_is_returned_compiled_and_with_its_secrets(
    cast: Cast, store: CommandStore
) -> None:
    row = integration(cast.harper)
    live = loaded(store, row)
    assert live is not None
    assert live.commands[COMMAND].tokens == ("InvoiceNumber",)
    assert live.secrets_of(COMMAND)["ApiKey"].reveal() == CANARY
    assert CANARY not in repr(live)


def test_a_command_gets_only_the_secrets_that_it_uses(cast: Cast, store: CommandStore) -> None:
    other = command(name="Other", headers=(), url="https://b.example/")
    row = integration(cast.harper, draft(command(), other))
    store.refresh()
    live = store.find(caller_of(cast.harper), row.id, "Other")
    assert live is not None
    assert live.secrets_of("Other") == {}


def test_only_the_own_organisation_gets_a_command(cast: Cast, store: CommandStore) -> None:
    row = integration(cast.harper)
    store.refresh()
    assert store.find(caller_of(cast.harper), row.id, COMMAND) is not None
    assert store.find(caller_of(cast.northwind), row.id, COMMAND) is None
    assert store.find(caller_of(cast.harper), row.id, "NoSuch") is None
    assert store.find(caller_of(cast.harper), "000000000000", COMMAND) is None
    assert sources_of(store, cast.northwind) == []


def test_sources_are_returned_in_the_configured_order(cast: Cast, store: CommandStore) -> None:
    integration(
        cast.harper, draft(command(name="Other", url="https://b.example/"), name="No documents")
    )
    first = integration(cast.harper, draft(name="First"))
    second = integration(cast.harper, draft(name="Second"))

    def chosen() -> list[str]:
        store.refresh()
        return [one.id for one in sources_of(store, cast.harper)]

    assert chosen() == [first.id, second.id]
    services.move_integration(integration=second, places=-2)
    assert chosen() == [second.id, first.id]
    services.set_enabled(integration=second, enabled=False)
    assert chosen() == [first.id]
    services.delete_integration(integration=first)
    assert chosen() == []
    services.set_enabled(integration=second, enabled=True)
    assert chosen() == [second.id]


def test_an_unchanged_integration_is_not_compiled_again(cast: Cast, store: CommandStore) -> None:
    row = integration(cast.harper)
    before = loaded(store, row)
    integration(cast.northwind)
    assert loaded(store, row) is before


def _method(live: LiveIntegration) -> str:
    return live.commands[COMMAND].steps[0].method


def test_a_change_compiles_a_new_command(cast: Cast, store: CommandStore) -> None:
    row = integration(cast.harper)
    before = loaded(store, row)
    changed = draft(command(method="POST", body="x"))
    services.save_integration(integration=row, draft=changed, version=row.version)
    after = loaded(store, row)
    assert before is not None
    assert after is not None
    assert (_method(before), _method(after)) == ("GET", "POST")


def test_a_key_is_known_by_its_digest_until_it_is_revoked(cast: Cast, store: CommandStore) -> None:
    key = services.create_api_key(organisation=cast.harper, name="Shop", user=cast.alice.user)
    store.refresh()
    assert store.caller(digest(key)) == Caller(key_id=key.row.id, organisation_id=cast.harper.id)
    assert store.caller(key.value.reveal()) is None
    services.revoke_api_key(key=key.row)
    store.refresh()
    assert store.caller(digest(key)) is None


def test_the_last_use_of_a_key_is_recorded(cast: Cast, store: CommandStore) -> None:
    used, unused = (
        services.create_api_key(organisation=cast.harper, name=name, user=cast.alice.user)
        for name in ("used", "unused")
    )
    store.refresh()
    store.caller(digest(used))
    store.note_use()
    assert ApiKey.objects.get(id=used.row.id).last_used_at is not None
    assert ApiKey.objects.get(id=unused.row.id).last_used_at is None


@pytest.mark.django_db(transaction=True)
async def test_a_change_made_elsewhere_is_noticed_at_the_next_look(
    cast_elsewhere: Elsewhere,
) -> None:
    store = CommandStore(open_source=lambda _: Source(), look_every=0.01)
    await store.start()
    try:
        row = await asyncio.to_thread(cast_elsewhere.add_integration)
        await until(
            lambda: store.find(caller_of(cast_elsewhere.harper), row.id, COMMAND) is not None
        )
    finally:
        await store.stop(seconds=60)


class Elsewhere:
    """Another process: its changes reach the store through the database alone."""

    def __init__(self, harper: Organisation) -> None:
        self.harper = harper

    def add_integration(self) -> Integration:
        from django.db import connection

        try:
            return integration(self.harper)
        finally:
            connection.close()


@pytest.fixture
def cast_elsewhere(transactional_db: None) -> Elsewhere:
    return Elsewhere(Organisation.objects.create(name="Harper IT"))


async def test_loaded_integrations_outlive_a_database_failure(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    away = False
    revision = 1

    def read_revision() -> int:
        if away:
            raise OperationalError("secret-host refused")
        return revision

    caller = Caller(key_id="key", organisation_id="organisation")
    monkeypatch.setattr(rows, "read_revision", read_revision)
    monkeypatch.setattr(rows, "read_digests", list)
    monkeypatch.setattr(rows, "read_newest_ids", lambda _most: [])
    monkeypatch.setattr(rows, "read_last_callers", lambda _most: [("digest", caller)])
    store = CommandStore(open_source=lambda _: Source(), look_every=0.01)
    with structlog.testing.capture_logs() as lines:
        await store.start()
        away = True
        await until(lambda: bool(lines))
        assert store.caller("digest") is not None
        await store.stop(seconds=60)
    assert {line["event"] for line in lines} == {"store-not-refreshed"}
    assert "secret-host" not in str(lines)


async def test_a_replaced_transport_finishes_its_exchanges_before_it_is_closed() -> None:
    from billhook.engine.run import run_command
    from billhook.portal.integrations.shared_transport import SharedTransport

    source = Source()
    source.gate = asyncio.Event()
    transport = SharedTransport(lambda: source)
    compiled = compile_command(command(url="https://a.example/", headers=()))
    running = asyncio.create_task(run_command(compiled, compiled.values({}), transport=transport))
    await until(lambda: bool(source.requests))
    await transport.retire()
    assert source.closed == 0
    source.gate.set()
    (await running).close()
    assert source.closed == 1


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(
            lambda row: Integration.objects.filter(id=row.id).update(
                variables={"BaseUrl": "https://evil.example"}, version=9
            ),
            id="an address changed behind our back",
        ),
        pytest.param(
            lambda row: Integration.objects.filter(id=row.id).update(
                commands=[{"name": COMMAND, "url": "nonsense"}], version=9
            ),
            id="a command that doesn't compile",
        ),
    ],
)
def test_a_row_not_written_by_a_service_is_not_used(
    cast: Cast, store: CommandStore, spoil: object
) -> None:
    row = integration(cast.harper)
    spoil(row)  # type: ignore[operator]
    with structlog.testing.capture_logs() as lines:
        assert loaded(store, row) is None
    assert len(lines) == 1
    assert CANARY not in str(lines)


def test_a_secret_moved_into_another_row_cannot_be_used(cast: Cast, store: CommandStore) -> None:
    row, theirs = integration(cast.harper), integration(cast.northwind)
    stolen = theirs.stored_secrets.get().ciphertext
    StoredSecret.objects.filter(integration=row).update(ciphertext=stolen)
    with structlog.testing.capture_logs() as lines:
        live = loaded(store, row)
    assert live is not None
    assert live.secrets_of(COMMAND) == {}
    assert [line["event"] for line in lines] == ["secret-not-readable"]
    assert Secret(CANARY) not in live.secrets_of(COMMAND).values()
