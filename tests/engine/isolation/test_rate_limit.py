"""The token buckets of the gateway."""

import pytest

from billhook.engine.isolation.rate_limit import RateLimit


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def limit(clock, **more):
    return RateLimit(**{"per_second": 2, "burst": 4, "clock": clock, **more})


def test_a_burst_passes_and_the_next_use_must_wait():
    clock = Clock()
    bucket = limit(clock)

    waits = [bucket.use("key") for _ in range(5)]

    assert waits[:4] == [0.0, 0.0, 0.0, 0.0]
    assert waits[4] == pytest.approx(0.5)


def test_uses_are_restored_at_the_rate_and_not_beyond_the_burst():
    clock = Clock()
    bucket = limit(clock)
    for _ in range(4):
        bucket.use("key")

    clock.now += 0.5
    assert bucket.use("key") == 0.0
    assert bucket.use("key") > 0

    clock.now += 1000
    assert [bucket.use("key") for _ in range(5)].count(0.0) == 4


def test_waiting_for_the_reported_time_is_enough():
    clock = Clock()
    bucket = limit(clock)
    while not (wait := bucket.use("key")):
        pass

    clock.now += wait

    assert bucket.use("key") == 0.0


def test_a_refused_use_does_not_make_the_wait_longer():
    clock = Clock()
    bucket = limit(clock)
    for _ in range(4):
        bucket.use("key")

    assert bucket.use("key") == bucket.use("key")


def test_keys_do_not_share_their_uses():
    bucket = limit(Clock(), burst=1)

    assert bucket.use("one") == 0.0
    assert bucket.use("two") == 0.0
    assert bucket.use("one") > 0


def test_invented_keys_do_not_fill_the_memory_and_do_not_evict_a_busy_one():
    clock = Clock()
    bucket = limit(clock, per_second=0.001, burst=1, max_keys=100)
    for number in range(1000):
        bucket.use(f"key {number}")

    assert len(bucket._full_at) <= 100
    assert bucket.use("key 999") > 0


def test_keys_that_are_idle_are_forgotten_before_busy_ones():
    clock = Clock()
    bucket = limit(clock, per_second=1, burst=1, max_keys=10)
    for number in range(10):
        bucket.use(f"idle {number}")
    clock.now += 0.9
    bucket._full_at["busy"] = clock.now + 50
    clock.now += 10

    bucket.use("another")

    assert set(bucket._full_at) == {"busy", "another"}


@pytest.mark.parametrize("wrong", [{"per_second": 0}, {"burst": 0}], ids=["no rate", "no burst"])
def test_a_limit_that_lets_nothing_pass_is_refused(wrong):
    with pytest.raises(ValueError, match="rate above 0"):
        limit(Clock(), **wrong)
