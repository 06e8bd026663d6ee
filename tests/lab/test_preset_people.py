"""The lists of customers and contacts of presets against their systems, which change meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

import pytest

from billhook.engine.errors import BillhookError
from billhook.engine.integration import compile_integration
from billhook.engine.listing.page import ListedPage
from billhook.engine.listing.plan import ListMemory, plan_list
from billhook.engine.listing.rows import ListedContact, ListedCustomer
from billhook.engine.listing.rules import remember
from lab.listed_people import LISTED_PEOPLE, DolibarrContacts, ListedPeople, OdooCustomers
from lab.world import PRESETS, World, open_world, read_preset

each_listed = pytest.mark.parametrize(
    "kind", LISTED_PEOPLE, ids=lambda kind: f"{kind.preset}-{kind.command}"
)
PEOPLE = {"ListCustomers", "ListContacts"}


class People:
    """The rows of all syncs so far, and those of the last one."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._integration = compile_integration(world.config)
        self._memory = ListMemory()
        self.rows: dict[str, ListedContact | ListedCustomer] = {}
        self.last: list[str] = []
        self.pages: list[ListedPage] = []

    async def sync(self, *, full: bool = False) -> None:
        """Do what is due."""
        stand_in = self._world.stand_in
        listing = self._integration.lists[stand_in.command]
        self.last, newest = [], None
        now = stand_in.system.tick(900)
        for part in plan_list(listing, self._memory, now=now, full=full):
            async for page in self._world.source.read_list(stand_in.command, part):
                self.pages.append(page)
                self.rows.update({row.id: row for row in page.rows})
                self.last += [row.id for row in page.rows]
                newest = max(filter(None, (newest, page.newest_change)), default=None)
            self._memory = remember(
                self._memory, listing, part, newest=newest, began=page.began, now=now
            )

    def shown(self) -> dict[str, tuple[str, str, tuple[str, ...], bool]]:
        """Return the rows of the people that the system still has."""
        known = set(map(str, self._world.stand_in.people))
        return {
            id_: (getattr(row, "number", ""), row.name, self._email(row), row.active)
            for id_, row in self.rows.items()
            if id_ in known or id_ in self.last
        }

    @staticmethod
    def _email(row: ListedContact | ListedCustomer) -> tuple[str, ...]:
        inner = getattr(row, "contacts", None)
        return row.email if inner is None else tuple(e for each in inner for e in each.email)


def expected(stand_in: ListedPeople) -> dict[str, tuple[str, str, tuple[str, ...], bool]]:
    """Return the people as they should be listed."""
    return {
        str(each.id): (
            each.number if stand_in.has_numbers else "",
            each.name,
            (each.email,) if each.email else (),
            each.is_active or not stand_in.can_close,
        )
        for each in stand_in.people.values()
    }


def things_that_happen(stand_in: ListedPeople) -> Iterator[None]:
    """Do one thing after another."""
    stand_in.rename(6)
    yield
    stand_in.add()
    stand_in.close(5)
    yield
    stand_in.delete(2)
    yield
    stand_in.rename(1)


@each_listed
async def test_whatever_changes_during_a_sync_the_next_full_one_has_all_people(kind):
    async with open_world(kind) as world:
        if world.config.authentication and "code" in world.config.authentication.scheme:
            await world.connect()
        stand_in, people = world.stand_in, People(world)
        for _ in range(8):
            stand_in.add()
        happening = things_that_happen(stand_in)
        stand_in.meanwhile = lambda: next(happening, None)
        with suppress(BillhookError):  # a row from which to go on may be gone
            await people.sync()
        stand_in.meanwhile = lambda: None
        for _ in happening:
            pass
        await people.sync(full=True)
        assert people.shown() == expected(stand_in)
        assert set(people.last) == set(map(str, stand_in.people))
        assert len(people.last) > len(set(people.last))  # rows at borders came twice
        once, stand_in.repeats_border = iter([8]), False
        stand_in.meanwhile = lambda: [stand_in.rename(number) for number in once]
        await people.sync(full=True)  # nobody is missed because of a new name
        assert set(people.last) == set(map(str, stand_in.people))
        assert [page for page in people.pages if page.stops or page.skipped] == []
        assert [page.remarks for page in people.pages if page.remarks] == []
        assert stand_in.refusals == []


async def test_an_archived_partner_of_odoo_is_seen_by_the_next_sync_of_changes():
    async with open_world(OdooCustomers) as world:
        stand_in, people = world.stand_in, People(world)
        for _ in range(4):
            stand_in.add()
        await people.sync()
        stand_in.system.tick(7200)
        stand_in.close(3)
        await people.sync()
        assert "3" in people.last
        assert people.rows["3"].active is False
        assert people.shown() == expected(stand_in)


async def test_contacts_of_dolibarr_have_their_customer_or_none():
    async with open_world(DolibarrContacts) as world:
        for _ in range(5):
            world.stand_in.add()
        people = People(world)
        await people.sync()
        customers = [row.customer for row in people.rows.values()]
        assert customers == ["1", "2", "", "1", "2"]


def test_the_presets_that_list_people_are_those_with_a_system():
    listing = {
        (path.stem, each.name)
        for path in PRESETS.glob("*.toml")
        for each in read_preset(path.stem).config.commands
        if each.name in PEOPLE
    }
    assert listing == {(kind.preset, kind.command) for kind in LISTED_PEOPLE}
