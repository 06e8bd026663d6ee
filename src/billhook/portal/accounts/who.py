"""Who asks."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest

from billhook.portal.accounts.models import User


def user_of(request: HttpRequest) -> User:
    """Return the person who is signed in. Pages are closed to others before this is asked."""
    user = request.user
    if not isinstance(user, User):
        raise PermissionDenied
    return user
