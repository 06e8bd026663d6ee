"""A response of several parts is split as it was joined, in linear time, whatever is in it."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.answer.formats.multipart import MAX_PARTS, split_parts
from billhook.engine.answer.inside import is_selector, select_parts
from engine.multipart_messages import joined

parts = st.lists(
    st.binary(max_size=200).filter(
        lambda data: b"--b0und" not in data and not data.endswith(b"\r")
    ),
    max_size=5,
)


@given(parts.filter(bool), st.sampled_from(["\r\n", "\n"]), st.binary(max_size=20))
def test_parts_are_split_as_they_were_joined(datas, line, before):
    headers = ["Content-Type: application/octet-stream"]
    body = joined("b0und", *((headers, data) for data in datas), line=line)
    preamble = before.replace(b"-", b"") + line.encode()
    split = split_parts("multipart/mixed; boundary=b0und", preamble + body + b"epilogue")
    assert split is not None
    assert [part.read() for part in split.all] == datas
    assert split.root is split.all[0]


@given(st.binary(max_size=300))
def test_any_bytes_are_split_or_not(data):
    split_parts("multipart/mixed; boundary=b", b"--b\r\n" + data)
    split_parts("multipart/mixed", data)


@pytest.mark.parametrize(
    ("content_type", "body", "datas"),
    [
        pytest.param(
            'multipart/mixed; boundary="a b"', b"--a b\r\n\r\n1\r\n--a b--", [b"1"], id="q"
        ),
        pytest.param("multipart/mixed", b"--x\r\n\r\n1\r\n--x--", [b"1"], id="boundary-not-named"),
        pytest.param("multipart/mixed; boundary=x", b"--x\r\n\r\n1", [b"1"], id="end-missing"),
        pytest.param(
            "multipart/mixed; boundary=x", b"--x \t\r\n\r\n1\r\n--x--", [b"1"], id="space"
        ),
        pytest.param("multipart/mixed; boundary=x", b"--xy\n--x\n\n1\n--x--", [b"1"], id="longer"),
        pytest.param(
            "multipart/mixed; boundary=x", b"--x\n\na--x\nb\n--x--", [b"a--x\nb"], id="in"
        ),
        pytest.param("multipart/mixed; boundary=x", b"--x\n\n\n--x--", [b""], id="empty-part"),
        pytest.param(
            "multipart/mixed; boundary=x",
            b"--x\nContent-Type: multipart/related; boundary=y\n\n--y\n\n1\n--y\n\n2\n--y--\n--x--",
            [b"1", b"2"],
            id="parts-in-a-part",
        ),
        pytest.param(
            "multipart/mixed; boundary=x",
            b"--x\nContent-Transfer-Encoding: quoted-printable\n\na=3Db=\nc\n--x--",
            [b"a=bc"],
            id="quoted-printable",
        ),
    ],
)
def test_odd_messages_are_split(content_type, body, datas):
    split = split_parts(content_type, body)
    assert split is not None
    assert [part.read() for part in split.all] == datas


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("multipart/mixed; boundary=x", b""),
        ("multipart/mixed; boundary=x", b"%PDF-1.7"),
        ("multipart/mixed; boundary=x", b"--x--"),
        ("multipart/mixed", b"<html>"),
        ("multipart/mixed; boundary=x", b"--x\n\n1\n" * (MAX_PARTS + 1)),
    ],
    ids=["empty", "other", "only-the-end", "no-boundary", "too-many"],
)
def test_a_body_without_parts_has_none(content_type, body):
    assert split_parts(content_type, body) is None


def split_of_two():
    two = [
        (["Content-ID: <a%20b@x>", "Content-Type: text/xml"], b"1"),
        (["Content-ID: doc@x", "Content-Type: application/pdf; name=a"], b"2"),
    ]
    split = split_parts("multipart/related; boundary=x", joined("x", *two))
    assert split is not None
    return split


@pytest.mark.parametrize(
    ("selector", "found"),
    [
        ("1", [b"1"]),
        (" 2 ", [b"2"]),
        ("3", []),
        ("application/pdf", [b"2"]),
        ("Application/*", [b"2"]),
        ("*/*", [b"1", b"2"]),
        ("image/png", []),
        ("cid:doc@x", [b"2"]),
        ("<doc@x>", [b"2"]),
        ("CID:a%20b@x", [b"1"]),
        ("cid:a b@x", [b"1"]),
        ("cid:no", []),
    ],
)
def test_a_part_is_selected_by_position_type_or_id(selector, found):
    assert is_selector(selector)
    assert [part.read() for part in select_parts(split_of_two(), selector)] == found


@pytest.mark.parametrize("selector", ["", " ", "0", "00"])
def test_an_empty_selector_is_none(selector):
    assert not is_selector(selector)


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"--b\r\n" * 500_000, id="empty-parts"),
        pytest.param(b"\r\n--b" * 500_000, id="delimiters"),
        pytest.param(b"--b" + b" " * 3_000_000, id="spaces"),
        pytest.param(b"--b\r\n" + b"a:\r\n " * 600_000, id="folded-lines"),
        pytest.param(b"--b\r\n" + b"\r" * 3_000_000, id="carriage-returns"),
        pytest.param(b"-" * 3_000_000, id="hyphens"),
    ],
)
def test_odd_bodies_are_split_in_linear_time(body):
    began = time.process_time()
    split_parts("multipart/mixed; boundary=b", body)
    split_parts("multipart/mixed", body)
    assert time.process_time() - began < 3
