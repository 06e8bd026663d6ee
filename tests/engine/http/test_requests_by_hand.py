"""A request that no command has filled passes the same gate on its way out."""

from __future__ import annotations

from dataclasses import replace

import pytest

from billhook.engine.errors import EgressDenied
from billhook.engine.http.exchange import encode_request
from billhook.engine.http.request import WebRequest
from small_commands import compile_step

COMMAND = compile_step(url="https://api.example.com/i")
REQUEST = COMMAND.steps[0].fill(COMMAND.values({}))


def with_header(name: str, value: str) -> WebRequest:
    return replace(REQUEST, headers=((name, value),))


def test_a_request_that_may_be_configured_may_be_sent():
    sent = encode_request(with_header("X-Api-Key", "k"), authority="api.example.com")
    assert b"\r\nX-Api-Key: k\r\n" in sent


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Host", "evil.example"),
        ("content-length", "3"),
        ("Transfer-Encoding", "chunked"),
        ("Proxy-Authorization", "Basic eA=="),
        ("X A", "1"),
        ("X-A: 1\r\nX-B", "1"),
        ("X-A", "1\r\nX-B: 1"),
        ("X-A", "1\nX-B: 1"),
        ("X-A", "1\0"),
    ],
)
def test_a_request_that_may_not_be_configured_is_not_sent_either(name, value):
    for _ in range(2):
        with pytest.raises(EgressDenied):
            encode_request(with_header(name, value), authority="api.example.com")
