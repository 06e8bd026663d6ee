"""Nobody can take all places: one is left for others, and who has least comes first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from billhook.engine.isolation.fair_shares import FairShares


@asynccontextmanager
async def taken(shares: FairShares, *names: str) -> AsyncIterator[list[AsyncExitStack]]:
    """Take a place for each of *names*, and give them back one by one."""
    stacks = []
    for name in names:
        stack = AsyncExitStack()
        await asyncio.wait_for(stack.enter_async_context(shares.place(name)), 1)
        stacks.append(stack)
    yield stacks
    for stack in stacks:
        await stack.aclose()


async def waiting(shares: FairShares, name: str, came: list[str]) -> asyncio.Task[None]:
    async def work() -> None:
        async with shares.place(name):
            came.append(name)

    task = asyncio.create_task(work())
    await asyncio.sleep(0)
    return task


async def test_one_share_takes_all_but_one_place() -> None:
    shares, came = FairShares(2), []
    async with taken(shares, "harper", "harper") as stacks:
        third = await waiting(shares, "harper", came)
        async with taken(shares, "northwind"):
            assert came == []
        await stacks.pop().aclose()
        await third
    assert came == ["harper"]


async def test_who_has_least_comes_first_however_late() -> None:
    shares, came = FairShares(2), []
    async with taken(shares, "harper", "harper", "northwind") as stacks:
        tasks = [await waiting(shares, name, came) for name in ("harper", "northwind", "acme")]
        await stacks.pop(0).aclose()
        await asyncio.gather(*tasks)
    assert came[0] == "acme"
    assert sorted(came) == ["acme", "harper", "northwind"]


async def test_who_gives_up_waiting_leaves_no_place_behind() -> None:
    shares, came = FairShares(1), []
    async with taken(shares, "harper"):
        given_up = await waiting(shares, "harper", came)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
    async with taken(shares, "harper", "northwind"):
        pass


async def test_several_may_give_up_at_the_same_time() -> None:
    shares, came = FairShares(1), []

    async def work_forever() -> None:
        async with shares.place("harper"):
            await asyncio.Event().wait()

    tasks = [asyncio.create_task(work_forever())]
    tasks += [await waiting(shares, "harper", came) for _ in range(3)]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    async with taken(shares, "harper"):
        assert came == []


async def test_a_place_given_to_who_is_just_giving_up_goes_to_the_next() -> None:
    shares, came = FairShares(1), []
    async with taken(shares, "harper") as stacks:
        given_up = await waiting(shares, "harper", came)
        following = await waiting(shares, "harper", came)
        await stacks.pop().aclose()
        given_up.cancel()
        await asyncio.gather(given_up, following, return_exceptions=True)
    assert came == ["harper"]
