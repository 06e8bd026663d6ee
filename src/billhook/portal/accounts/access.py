"""The only door to the rows of users, apart from signing in."""

from __future__ import annotations

from billhook.portal.accounts.models import User
from billhook.portal.fields.problem import FieldProblem


def user_for_operator(email: str) -> User:
    """Return the person with this address; raise FieldProblem if nobody has it."""
    user = User.objects.filter(email=email.strip().lower()).first()
    if user is None:
        raise FieldProblem("email", f"Nobody here has the address {email}. Check its spelling.")
    return user


def active_user(user_id: str) -> User | None:
    """Return the person of a session by their id, unless they are kept from signing in."""
    return User.objects.filter(id=user_id, is_active=True).first()
