"""The cookies of an entrance: their names, and the attributes with which a browser keeps them.

An embedded page's are third-party cookies, partitioned by the embedding site (CHIPS):
``Secure; SameSite=None; Partitioned``. All are sent to their entrance alone.
"""

from __future__ import annotations

from collections.abc import Container, Mapping
from datetime import timedelta
from http.cookies import Morsel
from typing import Any, Final

from django.conf import settings
from django.http.response import HttpResponseBase

from billhook.portal.handover.entrance import Entrance

_SECURE_PREFIX: Final = "__Secure-"
_KEPT: Final = ("max-age", "expires")


def own_names(entrance: Entrance) -> dict[str, str]:
    """Return Django's names of the cookies of session and CSRF, and the entrance's own names."""
    is_secure = settings.SESSION_COOKIE_SECURE
    prefix = _SECURE_PREFIX if is_secure else ""
    name = f"{prefix}billhook-{entrance.kind}"
    return {settings.SESSION_COOKIE_NAME: name, settings.CSRF_COOKIE_NAME: f"{name}-csrf"}


def as_django_reads(cookies: Mapping[str, str], entrance: Entrance) -> dict[str, str]:
    """Return *cookies* with the entrance's own in the place of Django's, which don't count here."""
    names = own_names(entrance)
    read = {name: value for name, value in cookies.items() if name not in names}
    return read | {name: cookies[own] for name, own in names.items() if own in cookies}


def as_entrance_sets(response: HttpResponseBase, entrance: Entrance) -> None:
    """Have *response* set the entrance's own cookies where Django would set its own."""
    for name, own in own_names(entrance).items():
        if name in response.cookies:
            morsel = response.cookies.pop(name)
            _set(response, entrance, own, morsel.value, dict(morsel.items()))


def set_session_cookie(
    response: HttpResponseBase, entrance: Entrance, key: str, *, lasts: timedelta
) -> None:
    """Have *response* set the cookie of the session *key*."""
    own = own_names(entrance)[settings.SESSION_COOKIE_NAME]
    _set(response, entrance, own, key, {"max-age": int(lasts.total_seconds())})


def _set(
    response: HttpResponseBase,
    entrance: Entrance,
    name: str,
    value: str,
    kept: Mapping[str, Any],
) -> None:
    morsel: Morsel[str] = _PartitionedMorsel() if entrance.is_embedded else Morsel()
    morsel.set(name, value, value)
    for key in _KEPT:
        morsel[key] = kept.get(key, "")
    morsel["path"] = entrance.path
    morsel["httponly"] = True
    morsel["secure"] = entrance.is_embedded or settings.SESSION_COOKIE_SECURE
    morsel["samesite"] = "None" if entrance.is_embedded else "Lax"
    response.cookies[name] = morsel


class _PartitionedMorsel(Morsel[str]):
    """A cookie with the attribute Partitioned, which Python knows from 3.14 on."""

    def OutputString(self, attrs: Container[str] | None = None) -> str:  # noqa: N802 - Python's name
        return f"{super().OutputString(attrs)}; Partitioned"
