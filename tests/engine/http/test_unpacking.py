"""Gzip is unpacked as it arrives, however it is split into chunks, and never too much at once."""

from __future__ import annotations

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.errors import SourceBroken, SourceCutShort
from billhook.engine.http.unpacking import Unpacker, unpack_beginning

members = st.lists(st.binary(max_size=2000), min_size=1, max_size=3)
sizes = st.integers(1, 60)


def unpack(packed: bytes, size: int = 1000) -> bytes:
    unpacker, found = Unpacker(), b""
    for start in range(0, len(packed), size):
        found += b"".join(unpacker.unpack(packed[start : start + size]))
    unpacker.end()
    return found


@given(members, sizes)
def test_gzip_members_unpack_to_the_original_wherever_they_are_split(parts, size):
    assert unpack(b"".join(map(gzip.compress, parts)), size) == b"".join(parts)


@given(st.binary(max_size=300), st.data())
def test_truncated_data_is_reported_as_truncated(data, choose):
    packed = gzip.compress(data)
    cut = choose.draw(st.integers(1, len(packed) - 1))
    with pytest.raises(SourceCutShort):
        unpack(packed[:cut])


@pytest.mark.parametrize(
    "packed",
    [
        pytest.param(gzip.compress(b"x") + b"y", id="something-behind-it"),
        pytest.param(gzip.compress(b"x") + b"\0\0", id="padding-behind-it"),
        pytest.param(gzip.compress(b"x")[:-6] + bytes(6), id="another-checksum"),
    ],
)
@pytest.mark.parametrize("size", [1, 1000])
def test_broken_gzip_is_reported_as_broken(packed, size):
    with pytest.raises(SourceBroken):
        unpack(packed, size)


@given(st.binary(max_size=300).filter(lambda data: not data.startswith(b"\x1f")), sizes)
def test_data_that_does_not_begin_as_gzip_passes_as_it_is(data, size):
    assert unpack(data, size) == data


def test_the_beginning_of_a_second_member_is_not_a_complete_one():
    with pytest.raises(SourceCutShort):
        unpack(gzip.compress(b"x") + b"\x1f")


def test_a_bomb_is_unpacked_in_small_chunks():
    bomb = gzip.compress(bytes(50_000_000))
    pieces = Unpacker().unpack(bomb)
    assert {len(next(pieces)) for _ in range(20)} <= set(range(1, 256 * 1024 + 1))


@pytest.mark.parametrize(
    ("packed", "shown"),
    [
        pytest.param(gzip.compress(b"no such invoice"), b"no such in", id="gzip"),
        pytest.param(b"plain", b"plain", id="plain"),
        pytest.param(b"\x1f\x8bnothing", b"", id="broken"),
        pytest.param(gzip.compress(b"no such invoice")[:20], b"no such in", id="cut"),
    ],
)
def test_the_beginning_of_a_failure_is_shown_as_far_as_it_can_be_unpacked(packed, shown):
    assert shown.startswith(unpack_beginning(packed, 10))


def test_the_beginning_of_a_bomb_is_short():
    assert unpack_beginning(gzip.compress(bytes(5_000_000)), 10) == bytes(10)
