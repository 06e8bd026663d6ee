"""The line of settings that lets integrations reach an address which the egress policy denies.

The engine says only that an address is denied. Members who configure integrations, and operators,
also read which one, where it came from, and what would allow it.
"""

from __future__ import annotations

from typing import Final

from billhook.engine.egress.guard import judge_url
from billhook.engine.egress.lifting import ALLOW_SETTING, allowance_that_lifts
from billhook.engine.errors import REDIRECT, RESPONSE, URL, BillhookError, EgressDenied
from billhook.portal.integrations.loading import origins_of
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.policy import egress_policy

_CAME_FROM: Final = {
    URL: "the address is in the URL",
    REDIRECT: "a redirect leads there",
    RESPONSE: "the address is in the response",
}


def setting_with(allowance: str, *, present: tuple[str, ...] = ()) -> str:
    """Return the line of the setting with *allowance* after those that are *present*."""
    return f"{ALLOW_SETTING}={','.join((*present, allowance))}"


def denied_address(error: EgressDenied, *, may_show_response: bool) -> str:
    """Return the host and port that are denied and where they came from, as far as may be shown.

    It names the host as it is configured, not the address that it resolves to: members don't learn
    what the operator's DNS knows.
    """
    place, words = error.place, _CAME_FROM[error.came_from]
    if place is None or (error.came_from != URL and not may_show_response):
        return f"{words[0].upper()}{words[1:]}."
    host = f"[{place.host}]" if ":" in place.host else place.host
    return f"It is {host}:{place.port}; {words}."


def advice_for_operator(error: BillhookError) -> str:
    """Return what a member passes on to the operator, or an empty text where nothing helps.

    No setting allows an address out of a redirect or a response.
    """
    if not isinstance(error, EgressDenied) or error.place is None or error.came_from != URL:
        return ""
    place = error.place
    return _advice([allowance_that_lifts(error.verdict, host=place.host, port=place.port)])


def advice_on_integration(integration: Integration) -> str:
    """Return the same for all addresses of an integration, as far as no name is looked up."""
    policy = egress_policy(integration.organisation_id)
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
