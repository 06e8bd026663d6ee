"""Lookups: every address judged, none waiting for another, the system's resolver in threads."""

import asyncio
import threading
from collections.abc import Sequence

import pytest

from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.resolver import LOOKUP_THREADS, SystemResolver, look_up
from billhook.engine.errors import EgressDenied, SourceTimeout, SourceUnreachable
from billhook.engine.verdict import Verdict

POLICY = EgressPolicy()


class Answers:
    """A resolver that answers what the test says."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def resolve(self, name: str) -> Sequence[str]:
        self.asked.append(name)
        return self.addresses


async def addresses_of(
    host: str, resolver: Answers | SystemResolver, policy: EgressPolicy = POLICY, port: int = 443
) -> tuple[str, ...]:
    return await look_up(host, port, resolver=resolver, policy=policy, within=30)


async def test_a_name_is_looked_up_once_and_absolutely() -> None:
    answers = Answers("93.184.216.34")
    assert await addresses_of("api.example.com", answers) == ("93.184.216.34",)
    assert answers.asked == ["api.example.com."]


async def test_an_allowed_name_is_looked_up_as_the_operator_wrote_it() -> None:
    policy = EgressPolicy.from_texts(allow=["billing:8000"])
    answers = Answers("172.18.0.3")
    assert await addresses_of("billing", answers, policy, port=8000) == ("172.18.0.3",)
    assert answers.asked == ["billing"]


@pytest.mark.parametrize(
    ("addresses", "verdict"),
    [
        pytest.param(["93.184.216.34", "127.0.0.1"], Verdict.DENIED_LOOPBACK, id="mixed"),
        pytest.param(["93.184.216.34"] * 40 + ["10.0.0.1"], Verdict.DENIED_PRIVATE, id="last"),
        pytest.param(["fe80::1%eth0"], Verdict.DENIED_ZONE_ID, id="zone"),
        pytest.param(["localhost"], Verdict.DENIED_NOT_AN_ADDRESS, id="name"),
        pytest.param(["127.1"], Verdict.DENIED_NOT_AN_ADDRESS, id="short form"),
    ],
)
async def test_one_denied_address_refuses_the_name(addresses: list[str], verdict: Verdict) -> None:
    with pytest.raises(EgressDenied) as caught:
        await addresses_of("api.example.com", Answers(*addresses))
    assert caught.value.verdict is verdict


async def test_a_name_without_addresses_is_unreachable() -> None:
    with pytest.raises(SourceUnreachable):
        await addresses_of("api.example.com", Answers())


@pytest.mark.parametrize(
    ("addresses", "order"),
    [
        pytest.param(
            ["2a00::1", "2a00::2", "8.8.8.8", "8.8.4.4", "1.1.1.1"],
            ("2a00::1", "8.8.8.8", "2a00::2", "8.8.4.4", "1.1.1.1"),
            id="IPv6 first",
        ),
        pytest.param(
            ["8.8.8.8", "8.8.4.4", "2a00::1"], ("8.8.8.8", "2a00::1", "8.8.4.4"), id="IPv4 first"
        ),
        pytest.param(["8.8.8.8", "8.8.4.4", "8.8.8.8"], ("8.8.8.8", "8.8.4.4"), id="repeats"),
    ],
)
async def test_families_take_turns_and_repeats_are_dropped(
    addresses: list[str], order: tuple[str, ...]
) -> None:
    assert await addresses_of("api.example.com", Answers(*addresses)) == order


async def test_a_lookup_that_takes_too_long_ends_with_its_own_error() -> None:
    class Never:
        async def resolve(self, name: str) -> Sequence[str]:
            return await asyncio.get_running_loop().create_future()

    with pytest.raises(SourceTimeout) as caught:
        await look_up("api.example.com", 443, resolver=Never(), policy=POLICY, within=0.01)
    assert caught.value.phase == "lookup"


class TestSystemResolver:
    """The operating system's lookup."""

    async def test_the_systems_own_names_are_found(self) -> None:
        policy = EgressPolicy.from_texts(allow=["localhost:8000"])
        found = await addresses_of("localhost", SystemResolver(), policy, port=8000)
        assert set(found) <= {"127.0.0.1", "::1"}
        assert found

    @pytest.mark.parametrize("name", ["x" * 64 + ".example.", "a..example.", "\x00."])
    async def test_a_name_that_no_resolver_accepts_is_unreachable(self, name: str) -> None:
        with pytest.raises(OSError, match=r".*"):
            await SystemResolver().resolve(name)

    async def test_an_unknown_name_is_unreachable_and_reveals_nothing_else(self) -> None:
        def ask(name: str) -> list[str]:
            raise OSError(-2, f"{name} is not known here")

        with pytest.raises(SourceUnreachable) as caught:
            await addresses_of("api.example.com", SystemResolver(ask=ask))
        assert "known here" not in str(caught.value)
        assert caught.value.__cause__ is None

    async def test_runs_that_need_the_same_name_share_one_lookup(self) -> None:
        asked: list[str] = []
        go_on = threading.Event()

        def ask(name: str) -> list[str]:
            asked.append(name)
            assert go_on.wait(30)
            return ["93.184.216.34"]

        resolver = SystemResolver(ask=ask)
        runs = [asyncio.create_task(addresses_of("api.example.com", resolver)) for _ in range(100)]
        await asyncio.sleep(0)
        go_on.set()
        assert await asyncio.gather(*runs) == [("93.184.216.34",)] * 100
        assert asked == ["api.example.com."]

    async def test_nothing_is_remembered_from_one_lookup_to_the_next(self) -> None:
        answers = iter([["93.184.216.34"], ["10.0.0.5"]])
        resolver = SystemResolver(ask=lambda name: next(answers))
        assert await addresses_of("rebind.example.net", resolver) == ("93.184.216.34",)
        with pytest.raises(EgressDenied):
            await addresses_of("rebind.example.net", resolver)

    async def test_slow_names_of_one_integration_delay_no_other(self) -> None:
        go_on = threading.Event()

        def ask_slowly(name: str) -> list[str]:
            assert go_on.wait(30)
            return ["93.184.216.34"]

        slow = SystemResolver(ask=ask_slowly)
        names = [f"tar{number}.example.net" for number in range(LOOKUP_THREADS * 3)]
        stuck = [asyncio.create_task(addresses_of(name, slow)) for name in names]
        quick = SystemResolver(ask=lambda name: ["8.8.8.8"])
        assert await addresses_of("api.example.com", quick) == ("8.8.8.8",)
        assert not any(task.done() for task in stuck)
        go_on.set()
        await asyncio.gather(*stuck)

    async def test_lookups_never_use_more_threads_than_allowed_even_when_nobody_waits(self) -> None:
        go_on = threading.Event()
        asking = threading.Semaphore(0)

        def ask(name: str) -> list[str]:
            asking.release()
            assert go_on.wait(30)
            return ["93.184.216.34"]

        resolver = SystemResolver(ask=ask)
        for number in range(LOOKUP_THREADS + 3):
            with pytest.raises(SourceTimeout):
                await look_up(
                    f"tar{number}.example.net", 443, resolver=resolver, policy=POLICY, within=0.01
                )
        for _ in range(LOOKUP_THREADS):
            await asyncio.to_thread(asking.acquire)
        assert not asking.acquire(blocking=False)
        go_on.set()
        assert await addresses_of("tar0.example.net", resolver) == ("93.184.216.34",)

    def test_a_lookup_that_never_ends_does_not_delay_the_end_of_the_loop(self) -> None:
        go_on = threading.Event()

        def ask(name: str) -> list[str]:
            go_on.wait(30)
            return []

        async def give_up() -> None:
            await look_up(
                "tar.example.net",
                443,
                resolver=SystemResolver(ask=ask),
                policy=POLICY,
                within=0.01,
            )

        with pytest.raises(SourceTimeout):
            asyncio.run(give_up())
        go_on.set()
