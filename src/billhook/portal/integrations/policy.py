"""The operator's egress policy and the sources that are opened under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from billhook.engine.authentication.token_store import TokenStore
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.proxy import OutgoingProxy
from billhook.engine.integration import CompiledIntegration
from billhook.engine.secret import Secret
from billhook.engine.source import Source
from billhook.portal.installation import environment
from billhook.portal.integrations.sample_source import SampleSource, is_sample


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Everything that opening an integration takes."""

    organisation_id: str
    integration: CompiledIntegration
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    token_store: TokenStore | None = None


@lru_cache(maxsize=1024)
def egress_policy(organisation_id: str) -> EgressPolicy:
    """Return the egress policy that the environment sets for one organisation.

    Its allowances are those for all organisations, and its own.
    """
    settings = environment.current()
    return EgressPolicy.from_texts(
        allow=[
            each.text for each in settings.allow if each.organisation_id in {"", organisation_id}
        ],
        ports=[str(port) for port in settings.ports],
        deny=settings.deny,
        proxy=_proxy_of(organisation_id),
    )


def _proxy_of(organisation_id: str) -> OutgoingProxy | None:
    """Return the outgoing proxy of one organisation: its own, or that for all."""
    settings = environment.current()
    urls = {each.organisation_id: each.url for each in settings.proxy}
    url = urls.get(organisation_id, urls.get("", ""))
    if not url:
        return None
    return OutgoingProxy.parse(
        url, exceptions=settings.proxy_except, by_name=settings.proxy_by_name
    )


def open_source(wiring: Wiring) -> Source | SampleSource:
    """Return the source that *wiring* describes, with a pool of its own, under the policy.

    Raises ConfigurationError for a certificate that can't be used, TokenError for a missing secret.
    """
    if is_sample(wiring.integration):
        return SampleSource()
    return wiring.integration.open(
        secrets=wiring.secrets,
        policy=egress_policy(wiring.organisation_id),
        token_store=wiring.token_store,
    )
