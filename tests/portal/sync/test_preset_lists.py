"""Lists of presets through the portal: those of systems that go on listing what was deleted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from threading import Event, Thread

import pytest
from django.utils import timezone

from billhook.portal.installation import environment
from billhook.portal.integrations.drafts import SecretEntry, draft_of_file
from billhook.portal.integrations.policy import egress_policy
from billhook.portal.integrations.services import create_integration
from billhook.portal.invoices.models import Hidden
from billhook.portal.sync.services import sync_of
from lab.listed import ListedChargebee, ListedInvoiceNinja, ListedStripe
from lab.world import World, open_world
from portal.cast import Cast
from portal.sync.syncing import ours, synced


@contextmanager
def running(kind: type) -> Iterator[World]:
    """Run a stand-in in a thread of its own, and allow the portal to reach it."""
    is_ready, ends = Event(), asyncio.Event()
    worlds: list[World] = []
    loops: list[asyncio.AbstractEventLoop] = []

    async def run() -> None:
        loops.append(asyncio.get_running_loop())
        async with open_world(kind) as world:
            worlds.append(world)
            is_ready.set()
            await ends.wait()

    thread = Thread(target=lambda: asyncio.run(run()))
    thread.start()
    assert is_ready.wait(20)
    [world], [loop] = worlds, loops
    origins = [each.removeprefix("http://") for each in world.stand_in.origins.values()]
    environment.put("BILLHOOK_ALLOW", ",".join(origins))
    egress_policy.cache_clear()
    try:
        yield world
    finally:
        loop.call_soon_threadsafe(ends.set)
        thread.join()
        environment.put("BILLHOOK_ALLOW", "")
        egress_policy.cache_clear()


@pytest.mark.parametrize(
    "kind", [ListedChargebee, ListedInvoiceNinja, ListedStripe], ids=lambda kind: kind.preset
)
def test_what_a_system_marks_as_deleted_is_hidden(cast: Cast, kind: type) -> None:
    with running(kind) as world:
        lists = [each for each in world.config.commands if each.name == "ListInvoices"]
        draft = draft_of_file(replace(world.config, commands=tuple(lists)))
        secrets = [SecretEntry(name=name, value=value) for name, value in world.secrets.items()]
        draft = replace(draft, secrets=tuple(secrets))
        source = sync_of(create_integration(organisation=cast.harper, draft=draft))
        system = world.stand_in.system
        system.clock = timezone.now() - timedelta(hours=2)
        system.add_many(4)
        assert synced(source).reasons == {}
        system.tick(3600)
        system.delete(2)
        run = synced(source)
        assert (run.reasons, world.stand_in.refusals) == ({}, [])
        assert {row.source_id: row.hidden_because for row in ours(source)} == {
            "1": "",
            "2": Hidden.REMOVED,
            "3": "",
            "4": "",
        }
