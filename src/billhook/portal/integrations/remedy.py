"""The line of settings that lets integrations reach an address which the egress policy denies.

The engine says only that an address is denied. Owners and operators also read what would allow it;
other members can do nothing about it.
"""

from __future__ import annotations

from typing import Final

from billhook.engine.egress.guard import judge_url
from billhook.engine.egress.lifting import allowance_that_lifts
from billhook.engine.errors import BillhookError, EgressDenied
from billhook.portal.integrations.loading import origins_of
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.policy import egress_policy

SETTING: Final = "BILLHOOK_ALLOW"


def setting_with(allowance: str, *, present: tuple[str, ...] = ()) -> str:
    """Return the line of the setting with *allowance* after those that are *present*."""
    return f"{SETTING}={','.join((*present, allowance))}"


def advice_for_owner(error: BillhookError) -> str:
    """Return what an owner passes on to the operator, or an empty text where nothing helps.

    It names the host as it is configured, not the address that it resolves to: members don't learn
    what the operator's DNS knows.
    """
    if not isinstance(error, EgressDenied) or error.place is None:
        return ""
    place = error.place
    return _advice([allowance_that_lifts(error.verdict, host=place.host, port=place.port)])


def advice_on_integration(integration: Integration) -> str:
    """Return the same for all addresses of an integration, as far as no name is looked up."""
    policy = egress_policy()
    return _advice(
        [
            allowance_that_lifts(
                judge_url(f"{origin}/", policy), host=origin.host, port=origin.port
            )
            for origin in sorted(origins_of(integration), key=str)
        ]
    )


def _advice(allowances: list[str]) -> str:
    found = [allowance for allowance in allowances if allowance]
    if not found:
        return ""
    return (
        "If this system may be reached, pass this line on to the operator: "
        f"{setting_with(','.join(found))} (where the setting has a value already, add it after a "
        "comma)."
    )
