"""The scope that an operation needs, as its ``auth``."""

from __future__ import annotations

from django.http import HttpRequest
from ninja.security import HttpBearer

from billhook.portal.api.calling_key import CallingKey, key_of


class NeedsScope(HttpBearer):
    """Lets keys with one scope in. The edge has found out before whose the key is."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def __call__(self, request: HttpRequest) -> CallingKey:
        """Return the key; raise ApiProblem if it lacks the scope."""
        key = key_of(request)
        key.needs(self.name)
        return key

    def authenticate(self, request: HttpRequest, token: str) -> None:
        """Do nothing: this is :meth:`__call__`'s."""
