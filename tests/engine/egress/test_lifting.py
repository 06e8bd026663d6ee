"""The allowance that would lift a denial lifts it; what stays closed has none."""

from __future__ import annotations

import pytest

from billhook.engine.egress.guard import judge_address, judge_url
from billhook.engine.egress.lifting import allowance_that_lifts
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.verdict import Verdict


@pytest.mark.parametrize(
    ("url", "host", "port", "allowance"),
    [
        ("http://127.0.0.1:43187/", "127.0.0.1", 43187, "127.0.0.1:43187"),
        ("http://10.0.0.8/", "10.0.0.8", 80, "10.0.0.8:80"),
        ("http://[::1]:9000/", "::1", 9000, "[::1]:9000"),
        ("https://billing/", "billing", 443, "billing:443"),
        ("https://erp.corp/", "erp.corp", 443, "erp.corp:443"),
        (
            "https://api.partner.example:9443/",
            "api.partner.example",
            9443,
            "api.partner.example:9443",
        ),
    ],
)
def test_it_allows_what_was_denied(url, host, port, allowance):
    verdict = judge_url(url, EgressPolicy())
    assert not verdict.allowed
    assert allowance_that_lifts(verdict, host=host, port=port) == allowance
    assert judge_url(url, EgressPolicy.from_texts(allow=[allowance])).allowed


@pytest.mark.parametrize("address", ["10.20.0.7", "fd12::7"])
def test_a_name_is_allowed_only_for_its_address_if_that_is_known(address):
    denied = Verdict.DENIED_PRIVATE
    text = allowance_that_lifts(denied, host="erp.example.com", port=443, address=address)
    policy = EgressPolicy.from_texts(allow=[text])
    place = {"host": "erp.example.com", "port": 443, "policy": policy}
    assert judge_address(address, **place).allowed
    assert not judge_address("10.20.0.8", **place).allowed


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://169.254.169.254/", "169.254.169.254"),
        ("http://metadata.google.internal/", "metadata.google.internal"),
        ("http://224.0.0.1/", "224.0.0.1"),
        ("http://0.0.0.0/", "0.0.0.0"),
    ],
)
def test_an_address_that_is_always_denied_has_no_allowance(url, host):
    assert allowance_that_lifts(judge_url(url, EgressPolicy()), host=host, port=80) == ""
