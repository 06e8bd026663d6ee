"""What is done with users."""

from __future__ import annotations

from datetime import datetime

from django.contrib.sessions.models import Session
from django.utils import timezone

from billhook.portal.accounts.models import CacheEntry, User


def get_or_create_user(*, email: str, name: str = "") -> User:
    """Return the user of *email*; a new one has no password and signs in with a code.

    A name that is known already stays: it is the person's own.
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
    """Give *user* a password. Whoever is signed in with the old one is signed out."""
    user.set_password(password)
    user.save(update_fields=["password"])


def change_name(*, user: User, name: str) -> None:
    """Change how *user* is called."""
    user.name = name.strip()
    user.save(update_fields=["name"])


def forget_what_expired(*, now: datetime | None = None) -> None:
    """Delete sessions and counts of rate limits that have had their time."""
    now = now or timezone.now()
    Session.objects.filter(expire_date__lt=now).delete()
    CacheEntry.objects.filter(expires__lt=now).delete()
