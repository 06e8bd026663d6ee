"""A bounded memory keeps what was used last."""

from __future__ import annotations

from billhook.portal.integrations.memory.recent import Recent


def filled(most: int, count: int) -> Recent[int, str]:
    recent: Recent[int, str] = Recent(most)
    for number in range(count):
        recent.put(number, str(number))
    return recent


def test_beyond_the_bound_the_longest_unused_go() -> None:
    recent = filled(32, 32)
    assert not recent.has_room
    recent.get(0)
    gone = recent.put(32, "32")
    assert gone == ["1", "2", "3"]
    assert recent.get(0) == "0"
    assert len(recent) == 30


def test_a_peek_is_no_use() -> None:
    recent = filled(32, 32)
    recent.peek(0)
    assert "0" in recent.put(32, "32")


def test_heavy_values_take_the_room_of_several() -> None:
    recent: Recent[str, str] = Recent(16, weigh=len)
    for letter in "abcd":
        recent.put(letter, letter * 4)
    assert recent.put("e", "e" * 8) == ["aaaa", "bbbb", "cccc"]
    assert list(recent) == ["d", "e"]


def test_a_value_beyond_the_bound_is_kept_alone() -> None:
    recent: Recent[str, str] = Recent(4, weigh=len)
    recent.put("a", "a")
    assert recent.put("b", "b" * 9) == ["a"]
    assert recent.get("b") == "b" * 9


def test_a_replaced_value_is_given_back_and_its_weight_with_it() -> None:
    recent: Recent[str, str] = Recent(16, weigh=len)
    for _ in range(10):
        recent.put("a", "a" * 8)
    assert recent.put("a", "b") == ["a" * 8]
    assert recent.has_room
    assert recent.values() == ["b"]
    assert recent.drop("a") == "b"
    assert recent.drop("a") is None
    assert recent.get("a") is None
