"""A node joins an installation if it has the same keys, and the first one decides which."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from billhook.portal.nodes.access import ALIVE, fingerprints, nodes_alive, nodes_dead
from billhook.portal.nodes.clock import seconds_ahead
from billhook.portal.nodes.models import RunningNode
from billhook.portal.nodes.node import ThisNode, node_name, this_node
from billhook.portal.nodes.services import (
    OtherKeys,
    forget_dead_nodes,
    join_installation,
    leave_installation,
    replace_fingerprint,
)

pytestmark = pytest.mark.django_db

ONE = ThisNode(id="1", name="one", version="1.0")
TWO = ThisNode(id="2", name="two", version="1.0")
KEYS = {"signing": ["s"], "secrets": ["k"]}


def let_time_pass(seconds: float) -> None:
    for node in RunningNode.objects.all():
        node.seen_at -= timedelta(seconds=seconds)
        node.save()


def test_nodes_with_the_same_keys_join() -> None:
    join_installation(ONE, KEYS)
    join_installation(TWO, KEYS)
    assert [node.name for node in nodes_alive()] == ["one", "two"]
    assert [node.name for node in nodes_alive(apart_from="1")] == ["two"]


@pytest.mark.parametrize("kind", ["signing", "secrets"])
def test_a_node_with_another_key_may_not_join(kind: str) -> None:
    join_installation(ONE, KEYS)
    with pytest.raises(OtherKeys) as refused:
        join_installation(TWO, KEYS | {kind: ["another"]})
    assert (refused.value.kind, refused.value.others) == (kind, ("one",))
    assert [node.name for node in nodes_alive()] == ["one"]


def test_keys_that_are_being_rotated_are_in_the_ring_of_all() -> None:
    join_installation(ONE, KEYS)
    join_installation(TWO, KEYS | {"secrets": ["new", "k"]})
    replace_fingerprint("secrets", "new")
    join_installation(ONE, KEYS | {"secrets": ["new", "k"]})
    with pytest.raises(OtherKeys):
        join_installation(ONE, KEYS)


def test_a_node_that_is_alone_may_have_replaced_its_key() -> None:
    join_installation(ONE, KEYS)
    join_installation(ONE, KEYS | {"signing": ["another"]})
    assert fingerprints()["signing"] == "another"


def test_after_the_others_have_stopped_or_died_a_node_decides() -> None:
    join_installation(ONE, KEYS)
    join_installation(TWO, KEYS)
    leave_installation(ONE)
    let_time_pass(ALIVE.total_seconds() + 1)
    join_installation(ONE, KEYS | {"signing": ["another"]})
    with pytest.raises(OtherKeys):
        join_installation(TWO, KEYS)


def test_dead_nodes_are_known_for_a_day() -> None:
    join_installation(ONE, KEYS)
    let_time_pass(ALIVE.total_seconds() + 1)
    assert [node.name for node in nodes_dead()] == ["one"]
    forget_dead_nodes()
    assert nodes_dead()
    let_time_pass(86_400)
    forget_dead_nodes()
    assert not nodes_dead()


def test_the_clock_of_the_database_is_the_measure() -> None:
    _, ahead = seconds_ahead()
    assert abs(ahead) < 60


def test_a_node_has_one_id_and_a_name() -> None:
    this_node.cache_clear()
    assert this_node() == this_node()
    assert len(this_node().id) == 12
    assert node_name()
    assert replace(this_node(), name="x") != this_node()
