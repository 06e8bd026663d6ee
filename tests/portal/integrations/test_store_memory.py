"""The store keeps what was used last, reads the rest when it is asked for, and follows changes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.db.models import F

from billhook.portal.integrations import revisions, services
from billhook.portal.integrations.live import LEAST_KILOBYTES, LiveIntegration
from billhook.portal.integrations.memory import contents, rows
from billhook.portal.integrations.models import ApiKey, Change, Integration, Revision
from billhook.portal.integrations.store import CommandStore, get_store, set_store
from billhook.portal.organisations.models import Organisation
from billhook.server.doctor import egress
from portal.cast import Cast
from portal.integration_cast import Source, command, draft, integration, sources_of
from portal.integrations.test_store import COMMAND, caller_of, digest

Queries = Callable[[int], Any]


@pytest.fixture
def store() -> CommandStore:
    return CommandStore(open_source=lambda _: Source())


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> CommandStore:
    """A store that has room for three integrations and two keys."""
    monkeypatch.setattr(contents, "MOST_LIVE", 4 * LEAST_KILOBYTES)
    monkeypatch.setattr(contents, "MOST_CALLERS", 2)
    monkeypatch.setattr(rows, "FIRST_SOURCES", 2)
    return CommandStore(open_source=lambda _: Source())


def now(work: Coroutine[Any, Any, Any]) -> Any:
    async def wait() -> Any:
        return await work

    return async_to_sync(wait)()


def read(store: CommandStore, organisation: Organisation, name: str) -> LiveIntegration | None:
    found: LiveIntegration | None = now(
        store.read_integration(caller_of(organisation), name, COMMAND)
    )
    return found


def ten(cast: Cast) -> list[Integration]:
    return [integration(cast.harper, draft(name=f"Number {n}")) for n in range(10)]


def in_memory(store: CommandStore, row: Integration) -> LiveIntegration | None:
    return store.find(caller_of(row.organisation), row.id, COMMAND)


def key_of(cast: Cast, name: str) -> services.NewApiKey:
    return services.create_api_key(organisation=cast.harper, name=name, user=cast.alice.user)


def test_only_as_many_integrations_as_there_is_room_for_stay_in_memory(
    cast: Cast, small: CommandStore
) -> None:
    all_rows = ten(cast)
    small.refresh()
    for row in all_rows:
        live = read(small, cast.harper, row.id)
        assert live is not None
        assert (live.id, live.name) == (row.id, row.name)
    there = [row for row in all_rows if in_memory(small, row)]
    assert 1 <= len(there) <= 3
    assert there[-1] == all_rows[-1]


def test_an_integration_is_read_by_its_name_too(cast: Cast, small: CommandStore) -> None:
    ten(cast)
    small.refresh()
    live = read(small, cast.harper, "Number 0")
    assert live is not None
    assert small.find(caller_of(cast.harper), "Number 0", COMMAND) is live
    assert read(small, cast.northwind, "Number 0") is None
    assert read(small, cast.northwind, live.id) is None
    assert read(small, cast.harper, "Number 99") is None


def test_a_name_that_another_integration_got_leads_to_that_one(
    cast: Cast, store: CommandStore
) -> None:
    first, second = (integration(cast.harper, draft(name=name)) for name in ("A", "B"))
    store.refresh()
    assert read(store, cast.harper, "A") is not None
    Integration.objects.filter(id=first.id).update(name="C", version=F("version") + 1)
    Integration.objects.filter(id=second.id).update(name="A", version=F("version") + 1)
    revisions.announce_change(organisation_id=cast.harper.id)
    store.refresh()
    live = read(store, cast.harper, "A")
    assert live is not None
    assert live.id == second.id


def test_every_source_gets_its_turn_however_many_there_are(cast: Cast, small: CommandStore) -> None:
    without = command(name="Other", url="https://b.example/", headers=())
    other = integration(cast.harper, draft(without, name="No documents"))
    all_rows = ten(cast)
    small.refresh()
    assert [live.id for live in sources_of(small, cast.harper)] == [row.id for row in all_rows]
    assert [live.id for live in sources_of(small, cast.harper, "Other")] == [other.id]


def test_a_warm_run_asks_the_database_for_nothing(
    cast: Cast, store: CommandStore, django_assert_num_queries: Queries
) -> None:
    row, key = integration(cast.harper), key_of(cast, "Shop")
    store.refresh()
    sources_of(store, cast.harper)
    with django_assert_num_queries(0):
        caller = store.caller(digest(key))
        assert caller is not None
        assert store.find(caller, row.id, COMMAND) is not None
        assert len(sources_of(store, cast.harper)) == 1
        assert now(store.configuration_of(cast.harper.id, COMMAND))


def test_a_wrong_key_and_a_revoked_one_cost_no_query(
    cast: Cast, small: CommandStore, django_assert_num_queries: Queries
) -> None:
    keys = [key_of(cast, f"Key {n}") for n in range(5)]
    small.refresh()
    assert all(now(small.read_caller(digest(key))) for key in keys)
    services.revoke_api_key(key=keys[0].row)
    small.refresh()
    assert now(small.read_caller(digest(keys[0]))) is None
    with django_assert_num_queries(0):
        assert now(small.read_caller(digest(keys[0]))) is None
        assert now(small.read_caller("0" * 64)) is None
    assert now(small.read_caller(digest(keys[1]))) is not None


def test_a_key_that_was_revoked_while_it_was_not_in_memory_is_unknown(
    cast: Cast, small: CommandStore
) -> None:
    keys = [key_of(cast, f"Key {n}") for n in range(5)]
    small.refresh()
    for key in keys:
        now(small.read_caller(digest(key)))
    assert small.caller(digest(keys[0])) is None
    services.revoke_api_key(key=keys[0].row)
    small.refresh()
    assert now(small.read_caller(digest(keys[0]))) is None


def test_a_change_elsewhere_drops_only_what_it_is_about(cast: Cast, store: CommandStore) -> None:
    one, other = (integration(cast.harper, draft(name=name)) for name in "AB")
    store.refresh()
    before = in_memory(store, one), in_memory(store, other)
    Integration.objects.filter(id=one.id).update(version=7)
    revisions.announce_change(organisation_id=cast.harper.id, integration_id=one.id)
    store.refresh()
    after = in_memory(store, one)
    assert after is not None
    assert after.stamp == (7, 0)
    assert in_memory(store, other) is before[1]


def test_after_an_unknown_change_all_is_looked_at_again(cast: Cast, store: CommandStore) -> None:
    rows_there = [integration(cast.harper, draft(name=name)) for name in "ABC"]
    key = key_of(cast, "Shop")
    store.refresh()
    same = in_memory(store, rows_there[0])
    Integration.objects.filter(id=rows_there[1].id).update(version=7)
    Integration.objects.filter(id=rows_there[2].id).update(enabled=False)
    ApiKey.objects.filter(id=key.row.id).delete()
    Revision.objects.update(number=F("number") + 1)  # as an older version of Billhook does
    store.refresh()
    assert in_memory(store, rows_there[0]) is same
    changed = read(store, cast.harper, rows_there[1].id)
    assert changed is not None
    assert changed.stamp == (7, 0)
    assert in_memory(store, rows_there[2]) is None
    assert read(store, cast.harper, rows_there[2].id) is None
    assert store.caller(digest(key)) is None


def test_the_configuration_changes_with_every_source_and_their_order(
    cast: Cast, store: CommandStore
) -> None:
    first, second = (integration(cast.harper, draft(name=name)) for name in "AB")
    seen: set[str] = set()

    def is_new() -> bool:
        store.refresh()
        configuration = now(store.configuration_of(cast.harper.id, COMMAND))
        is_new = configuration not in seen
        seen.add(configuration)
        return is_new

    assert is_new()
    integration(cast.northwind)
    assert not is_new()
    services.move_integration(integration=second, places=-1)
    assert is_new()
    changed = draft(command(method="POST", body="x"), name="A")
    services.save_integration(integration=first, draft=changed, version=1)
    assert is_new()
    services.set_enabled(integration=second, enabled=False)
    assert is_new()


@pytest.mark.parametrize("in_use", [True, False], ids=["in use", "not in use"])
def test_a_change_is_taken_in_at_once_only_where_the_store_is_in_use(
    cast: Cast,
    store: CommandStore,
    in_use: bool,
    django_capture_on_commit_callbacks: Callable[..., Any],
) -> None:
    before = get_store()
    set_store(store)
    try:
        if in_use:
            store.refresh()
        with django_capture_on_commit_callbacks(execute=True):
            row = integration(cast.harper)
    finally:
        set_store(before)
    assert (in_memory(store, row) is not None) is in_use


def test_old_changes_are_forgotten(
    cast: Cast, store: CommandStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(revisions, "KEPT", 5)
    monkeypatch.setattr(revisions, "_DELETE_EVERY", 2)
    row = integration(cast.harper)
    store.refresh()
    for _ in range(20):
        revisions.announce_change(organisation_id=cast.northwind.id)
    assert Change.objects.count() in {5, 6}
    services.set_enabled(integration=row, enabled=False)
    store.refresh()
    assert in_memory(store, row) is None


def test_the_doctor_looks_at_the_integrations_that_were_changed_last(
    cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(egress, "MOST_CHECKED", 2)
    for name in "ABC":
        integration(cast.harper, draft(name=name, base="https://8.8.8.8"))
    (all_right,) = egress.check_sources()
    assert "the 2 integrations that were changed last, of 3 enabled ones" in all_right.message
    for name in "DEF":
        integration(cast.harper, draft(name=name, base="https://127.0.0.1"))
    denied = str(list(egress.check_sources()))
    assert [name for name in "ABCDEF" if f"integration {name} " in denied] == ["E", "F"]
