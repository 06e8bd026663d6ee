"""Reasons why a source refuses a request with status 401: the scheme that it wants instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from billhook.engine.reasons.challenge import Challenge

NO_CREDENTIAL: Final = ""
OTHER_CREDENTIAL: Final = "other"
"""A key in a header of its own, in the URL or in a cookie."""
DROPPED_CREDENTIAL: Final = "dropped"
"""A credential that didn't go along, because a redirect led to another origin."""

_FAMILIES: Final = {
    "basic": "basic",
    "digest": "digest",
    "bearer": "bearer",
    "dpop": "bearer",
    "ntlm": "windows",
    "negotiate": "windows",
    "kerberos": "windows",
}
_WANTS: Final = {
    "basic": "a user name and password (Basic)",
    "digest": "HTTP Digest",
    "bearer": "a token (Bearer)",
    "windows": "Windows sign-in (NTLM or Negotiate)",
    "unknown": "an authentication scheme that Billhook doesn't know",
}
_CHOOSE: Final = {
    "basic": "Choose the authentication scheme basic.",
    "digest": "Choose the authentication scheme digest.",
    "bearer": "Choose the authentication scheme bearer, or OAuth 2.",
    "windows": "Billhook doesn't support that: ask the source's administrator to allow Basic, "
    "Digest or a key for this user.",
    "unknown": "Ask the source's administrator which other schemes it accepts.",
}
_EASIEST: Final = tuple(_WANTS)
"""The families in the order in which one is recommended, if a source accepts several."""


def credential_kind(authorization: str) -> str:
    """Return the kind of the credential in an Authorization header, which may be only a key."""
    scheme = authorization.partition(" ")[0].lower()
    return _FAMILIES.get(scheme, OTHER_CREDENTIAL)


def refusal_reason(challenges: Sequence[Challenge], credential: str) -> str:
    """Return why a request was refused, or nothing if its credential must be wrong.

    *credential* is what :func:`credential_kind` returns, or one of the words above.
    """
    if credential == DROPPED_CREDENTIAL:
        return "credential-dropped"
    families = {_FAMILIES.get(each.scheme, "unknown") for each in challenges}
    if credential in families or credential == OTHER_CREDENTIAL:
        return ""
    family = next((each for each in _EASIEST if each in families), "")
    if credential == NO_CREDENTIAL:
        return f"no-credentials-{family}" if family else "no-credentials"
    return f"wants-{family}" if family else ""


def _messages() -> dict[str, str]:
    found = {
        "no-credentials": "The source wants credentials (status 401), and none are configured. "
        "Choose an authentication scheme, or add the header with the key.",
        "credential-dropped": "A redirect led to another address, which wants credentials "
        "(status 401); they never go along there. Use the address of the document itself.",
    }
    for family, wants in _WANTS.items():
        choose = _CHOOSE[family]
        found[f"wants-{family}"] = (
            f"The source refused this authentication scheme: it wants {wants} (status 401). "
            f"{choose}"
        )
        found[f"no-credentials-{family}"] = (
            f"The source wants {wants} (status 401), and no credentials are configured. {choose}"
        )
    return found


REFUSAL_MESSAGES: Final = _messages()
"""The message for each reason that :func:`refusal_reason` gives."""
