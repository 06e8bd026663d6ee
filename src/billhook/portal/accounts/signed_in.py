"""The person of a session, found in two written statements, where each millisecond counts.

Django's middleware does the same with more work, and is asked whenever this finds nobody.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Final, NamedTuple

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from billhook.portal.accounts.models import User
from billhook.portal.fields.statement import Slot, Statement

_PLAIN: Final = frozenset(
    {
        SESSION_KEY,
        BACKEND_SESSION_KEY,
        HASH_SESSION_KEY,
        "_session_expiry",
        "account_authentication_methods",
        "account_authentication_methods_user",
        "code_for",
    }
)
"""The entries of a session that say who is signed in, and how; no page does more with them."""
_SESSION: Final = Statement(lambda: Session.objects.filter(session_key=Slot("key")))
_USER: Final = Statement(lambda: User.objects.filter(id=Slot("id"), is_active=True))


class _SignedIn(NamedTuple):
    user_id: str
    password_mark: str
    """Changes with the password, so that a changed one ends the session."""


def user_of_plain_session(key: str) -> User | None:
    """Return the person who is signed in by the session *key*; for a thread.

    None if nobody is, and also if the session has more in it than a sign-in, such as a form that
    was typed in vain: then more than showing a page has to happen.

    Raises:
        django.db.Error: if the database isn't there.
    """
    session = _SESSION.first(key=key)
    if session is None or session.expire_date <= timezone.now():
        return None
    signed_in = _read(session.session_data)
    if signed_in is None:
        return None
    user = _USER.first(id=signed_in.user_id)
    if user is None:
        return None
    is_same = constant_time_compare(signed_in.password_mark, user.get_session_auth_hash())
    return user if is_same else None


@lru_cache(maxsize=2_000)
def _read(data: str) -> _SignedIn | None:
    """Return the sign-in in the *data* of a session. The same data is read once: it is signed."""
    entries = SessionStore().decode(data)
    if entries.keys() - _PLAIN or entries.get(BACKEND_SESSION_KEY) not in _backends():
        return None
    user_id, mark = entries.get(SESSION_KEY), entries.get(HASH_SESSION_KEY)
    return _SignedIn(user_id, mark) if user_id and mark else None


def _backends() -> list[str]:
    return list(settings.AUTHENTICATION_BACKENDS)
