"""The user of a request."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from billhook.portal.accounts.models import User


def user_of(request: HttpRequest) -> User:
    """Return the person who is signed in. Other visitors never get to a page that calls this."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user
