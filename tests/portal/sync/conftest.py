"""A billing system on loopback, and an integration that lists it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from billhook.engine.integration_file.file import read_integration
from billhook.engine.secret import Secret
from billhook.portal.installation import environment
from billhook.portal.integrations.drafts import SecretEntry, draft_of_file
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.policy import egress_policy
from billhook.portal.integrations.services import create_integration
from billhook.portal.sync.models import SyncSource
from billhook.portal.sync.services import sync_of
from portal.cast import Cast
from portal.sync.billing import KEY, Billing, BillingServer, integration_text, serving


@pytest.fixture(scope="module")
def server() -> Iterator[BillingServer]:
    with serving() as server:
        environment.put("BILLHOOK_ALLOW", server.address.removeprefix("http://"))
        egress_policy.cache_clear()
        yield server
        environment.put("BILLHOOK_ALLOW", "")
        egress_policy.cache_clear()


@pytest.fixture
def billing(server: BillingServer) -> Billing:
    """Empty books, with one customer."""
    books = server.new_books()
    books.customer("1", "Acme Ltd")
    return books


@pytest.fixture
def connect(cast: Cast, server: BillingServer) -> Callable[..., Integration]:
    """Return a function that creates an integration with lists."""

    def connect_with(
        *, name: str = "Billing", organisation: str = "harper", **given: str
    ) -> Integration:
        config = read_integration(integration_text(server.address, **given))
        secrets = (SecretEntry(name="ApiKey", value=Secret(KEY)),)
        draft = replace(draft_of_file(config), name=name, secrets=secrets)
        return create_integration(organisation=getattr(cast, organisation), draft=draft)

    return connect_with


@pytest.fixture
def source(billing: Billing, connect: Callable[..., Integration]) -> SyncSource:
    """The sync of an integration with all lists; it isn't started yet."""
    return sync_of(connect())
