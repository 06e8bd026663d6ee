"""Attempts to sign in: counted so that a stranger's attempts keep nobody else out.

Each network has its own count for an address. If an address is asked for so often that it can't be
the person alone, its codes become too long to guess, and those who ask within two minutes share one
code and one mail.
"""

from __future__ import annotations

import hashlib
from typing import Final

from allauth.core.internal import ratelimit
from django.core.cache import cache
from django.http import HttpRequest
from django.utils.crypto import get_random_string

_DIGITS: Final = "0123456789"
_LENGTH: Final = 6
_BUSY_LENGTH: Final = 12
_CODES: Final = "codes-of-address"
_BUSY: Final = {_CODES: "10/h/key"}
"""More codes than that make an address busy."""
_SHARED_SECONDS: Final = 120
_SESSION_KEY: Final = "code_for"


def count_key(request: HttpRequest, email: str) -> str:
    """Return what attempts are counted by: the address, and the network that *request* is from."""
    return f"{email.lower()}|{ratelimit.get_ip(request)}"


def count_code_request(request: HttpRequest, email: str) -> bool:
    """Count a request for a code for *email*; return whether its network may make it."""
    key = count_key(request, email)
    if not ratelimit.consume(request, app="allauth.account", action="request_login_code", key=key):
        return False
    request.session[_SESSION_KEY] = email.lower()
    return True


def make_code(request: HttpRequest) -> str:
    """Return a code for the address that this session asked for."""
    email = request.session[_SESSION_KEY]
    if ratelimit.consume(request, app="billhook", action=_CODES, config=_BUSY, key=email):
        return get_random_string(_LENGTH, _DIGITS)
    return str(cache.get_or_set(_cache_key("code", email), _busy_code, _SHARED_SECONDS))


def is_to_be_mailed(code: str) -> bool:
    """Return whether *code* still has to be mailed; a shared one is mailed once."""
    return len(code) < _BUSY_LENGTH or cache.add(_cache_key("mailed", code), 1, _SHARED_SECONDS)


def _busy_code() -> str:
    return get_random_string(_BUSY_LENGTH, _DIGITS)


def _cache_key(kind: str, text: str) -> str:
    return f"sign-in:{kind}:{hashlib.sha256(text.encode()).hexdigest()}"
