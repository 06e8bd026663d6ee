"""The session that a sign-in token opens: of one person, at one entrance, for some hours.

It holds nothing that Django takes for a sign-in. So it is worth nothing at any other address, and
a cookie that is copied there signs nobody in.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.http.response import HttpResponseBase
from django.utils.crypto import constant_time_compare

from billhook.portal.accounts.access import active_user
from billhook.portal.accounts.models import User
from billhook.portal.customers.access import is_contact_of
from billhook.portal.handover.cookies import set_session_cookie
from billhook.portal.handover.entrance import Entrance
from billhook.portal.organisations.access import is_member

LASTS: Final = timedelta(hours=12)
_KEY: Final = "handed-over"


def open_session(response: HttpResponseBase, entrance: Entrance, user: User) -> None:
    """Open a new session of *user* at *entrance*, and have *response* set its cookie."""
    session = SessionStore()
    session[_KEY] = {
        "entrance": entrance.path,
        "user": user.id,
        "mark": user.get_session_auth_hash(),
    }
    session.set_expiry(LASTS)
    session.create()
    set_session_cookie(response, entrance, str(session.session_key), lasts=LASTS)


def user_handed_over(session: SessionBase, entrance: Entrance) -> User | None:
    """Return whose *session* it is at *entrance*, as long as they may be there."""
    held = session.get(_KEY)
    if not isinstance(held, dict) or held.get("entrance") != entrance.path:
        return None
    user = active_user(held["user"])
    if user is None or not constant_time_compare(held["mark"], user.get_session_auth_hash()):
        return None
    return user if may_be_handed_over(user, entrance.organisation_id) else None


def may_be_handed_over(user: User, organisation_id: str) -> bool:
    """Return whether the organisation may vouch for *user*: a contact of its own, and no member."""
    return user.is_active and is_contact_of(user, organisation_id) and not is_member(user)
