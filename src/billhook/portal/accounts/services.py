"""Changes to users."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final

from django.contrib.auth import SESSION_KEY
from django.contrib.auth.hashers import make_password
from django.contrib.sessions.models import Session
from django.utils import timezone

from billhook.portal.accounts.models import CacheEntry, User
from billhook.portal.limits.pace import AT_ONCE, Pace

_AT_ONCE: Final = 500


def get_or_create_user(*, email: str, name: str = "") -> User:
    """Return the user of *email*; a new one has no password and signs in with a code.

    A name that is already known is kept: it is the person's own.
    """
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        return User.objects.create_user(email, name=name.strip())
    if name.strip() and not user.name:
        user.name = name.strip()
        user.save(update_fields=["name"])
    return user


def user_of_email(email: str) -> User:
    """Return the user whom the sign-in page has just found by *email*."""
    return User.objects.get(email=email.strip().lower())


def set_password(*, user: User, password: str) -> None:
    """Give *user* a password. Sessions that were started with the old one end."""
    user.set_password(password)
    user.save(update_fields=["password"])


def disable_user(*, user: User) -> None:
    """Keep *user* from signing in, and end their sessions. Nothing of theirs is removed."""
    user.is_active = False
    user.save(update_fields=["is_active"])
    end_sessions(user=user)


def enable_user(*, user: User) -> None:
    """Let *user*, who was disabled, sign in again."""
    user.is_active = True
    user.save(update_fields=["is_active"])


def end_sessions(*, user: User | None = None) -> int:
    """Sign *user* out everywhere, or everybody; return how many sessions that ended."""
    if user is None:
        return Session.objects.all().delete()[0]
    theirs = [
        session.pk
        for session in Session.objects.iterator()
        if session.get_decoded().get(SESSION_KEY) == user.pk
    ]
    return Session.objects.filter(pk__in=theirs).delete()[0]


def end_sessions_without_access(user_ids: Collection[str]) -> int:
    """Sign those of *user_ids* out everywhere who may see nothing any more; return how many."""
    users = User.objects.filter(id__in=user_ids, contacts=None, memberships=None)
    gone = set(users.values_list("id", flat=True))
    if not gone:
        return 0
    theirs = [
        session.pk
        for session in Session.objects.iterator()
        if session.get_decoded().get(SESSION_KEY) in gone
    ]
    return Session.objects.filter(pk__in=theirs).delete()[0]


def get_or_create_users(*, names: Mapping[str, str]) -> dict[str, User]:
    """Return the users of many addresses in lower case, each with a name for a new one."""
    known = _users_by_email(names)
    User.objects.bulk_create(
        (
            User(email=email, name=name, password=make_password(None))
            for email, name in names.items()
            if email not in known
        ),
        batch_size=_AT_ONCE,
    )
    return _users_by_email(names)


def _users_by_email(emails: Collection[str]) -> dict[str, User]:
    """Return those who are known, asking for a few hundred at a time: databases have limits."""
    wanted = list(emails)
    return {
        user.email: user
        for start in range(0, len(wanted), _AT_ONCE)
        for user in User.objects.filter(email__in=wanted[start : start + _AT_ONCE])
    }


def change_name(*, user: User, name: str) -> None:
    """Change the name of *user*."""
    user.name = name.strip()
    user.save(update_fields=["name"])


def forget_what_expired(pace: Pace = AT_ONCE, *, now: datetime | None = None) -> None:
    """Delete expired sessions and counts of rate limits."""
    now = now or timezone.now()
    pace.delete(Session.objects.filter(expire_date__lt=now))
    pace.delete(CacheEntry.objects.filter(expires__lt=now))
