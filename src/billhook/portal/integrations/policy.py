"""The operator's egress policy and the sources that are opened under it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

from billhook.engine.authentication.token_store import TokenStore
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.integration import CompiledIntegration
from billhook.engine.secret import Secret
from billhook.engine.source import Source
from billhook.portal.installation import environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """Everything that opening an integration takes."""

    integration: CompiledIntegration
    secrets: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    token_store: TokenStore | None = None


@cache
def egress_policy() -> EgressPolicy:
    """Return the egress policy that the environment sets."""
    settings = environment.current()
    return EgressPolicy.from_texts(
        allow=settings.allow, ports=[str(port) for port in settings.ports], deny=settings.deny
    )


def open_source(wiring: Wiring) -> Source:
    """Return the source that *wiring* describes, with a pool of its own, under the policy.

    Raises ConfigurationError for a certificate that can't be used, TokenError for a missing secret.
    """
    return wiring.integration.open(
        secrets=wiring.secrets, policy=egress_policy(), token_store=wiring.token_store
    )
