"""Digests of keys in eight bytes each."""

from __future__ import annotations

from hashlib import sha256

from billhook.portal.integrations.memory.known_digests import KnownDigests


def digest(number: int) -> str:
    return sha256(str(number).encode()).hexdigest()


def test_all_known_digests_are_in_it_and_others_are_not() -> None:
    known = KnownDigests(digest(number) for number in range(1000))
    assert all(digest(number) in known for number in range(1000))
    assert not any(digest(number) in known for number in range(1000, 3000))


def test_nothing_is_known_at_first() -> None:
    assert digest(1) not in KnownDigests()


def test_keys_come_and_go() -> None:
    known = KnownDigests([digest(1)])
    known.add(digest(2))
    assert digest(2) in known
    for number in (1, 2):
        known.remove(digest(number))
        assert digest(number) not in known
    known.add(digest(1))
    assert digest(1) in known
