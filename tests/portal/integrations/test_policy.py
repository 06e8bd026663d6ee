"""The operator may allow a private system for all organisations, or for one alone."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from billhook.engine.egress.guard import judge_url
from billhook.engine.errors import EgressDenied, SourceUnreachable
from billhook.engine.http.trace import Trace
from billhook.engine.verdict import Verdict
from billhook.portal.installation import environment
from billhook.portal.integrations.loading import load_one
from billhook.portal.integrations.policy import egress_policy
from portal.cast import Cast
from portal.integration_cast import draft, integration


@pytest.fixture
def allow() -> Iterator[None]:
    yield
    environment.put("BILLHOOK_ALLOW", "")
    egress_policy.cache_clear()


def put(text: str) -> None:
    environment.put("BILLHOOK_ALLOW", text)
    egress_policy.cache_clear()


def test_what_is_allowed_for_one_organisation_is_denied_to_others(cast: Cast, allow: None) -> None:
    put(f"10.1.2.3:443@{cast.harper.id},10.9.9.9:443")
    own, other = egress_policy(cast.harper.id), egress_policy("another")
    assert judge_url("https://10.1.2.3/", own) is Verdict.ALLOWED
    assert judge_url("https://10.1.2.3/", other) is Verdict.DENIED_PRIVATE
    assert judge_url("https://10.9.9.9/", other) is Verdict.ALLOWED


def test_each_organisations_integrations_run_under_its_own_policy(cast: Cast, allow: None) -> None:
    put(f"127.0.0.1:1@{cast.harper.id}")
    for organisation, expected in (
        (cast.harper, SourceUnreachable),  # nobody listens there
        (cast.northwind, EgressDenied),
    ):
        live = load_one(integration(organisation, draft(base="https://127.0.0.1:1")))
        tokens = {"InvoiceNumber": "1"}
        with pytest.raises(expected):
            asyncio.run(live.run("GetInvoiceImage", tokens, trace=Trace(), run_id="1"))


@pytest.fixture
def proxy() -> Iterator[None]:
    yield
    for name in ("BILLHOOK_PROXY", "BILLHOOK_PROXY_EXCEPT", "BILLHOOK_PROXY_BY_NAME"):
        environment.put(name, "")
    egress_policy.cache_clear()


def test_each_organisation_has_its_own_proxy_that_for_all_or_none(cast: Cast, proxy: None) -> None:
    environment.put(
        "BILLHOOK_PROXY",
        f"http://all:3128,http://us%40er:p:w@own:8080@{cast.harper.id},direct@abc1",
    )
    environment.put("BILLHOOK_PROXY_EXCEPT", ".near.example")
    egress_policy.cache_clear()
    own, other, none = (egress_policy(each) for each in (str(cast.harper.id), "another", "abc1"))
    assert own.proxy is not None
    assert (own.proxy.host, own.proxy.port, own.proxy.user) == ("own", 8080, "us@er")
    assert own.proxy.password.reveal() == "p:w"
    assert own.proxy_for("x.near.example", 443) is None
    assert other.proxy is not None
    assert (other.proxy.host, other.proxy.by_name) == ("all", False)
    assert none.proxy is None
