"""The frame of every page: who is signed in, and which sites they may go to."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from django.http import HttpRequest

from billhook.portal.accounts.models import User
from billhook.portal.customers import access as customers
from billhook.portal.handover.access import parents_of
from billhook.portal.handover.entrance import Entrance, entrance_of
from billhook.portal.organisations import access as organisations
from billhook.portal.organisations.models import Member


class Frame:
    """The frame of one page. The database isn't queried before the page shows it."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def user(self) -> User | None:
        """The person who is signed in."""
        user = getattr(self._request, "user", None)
        return user if isinstance(user, User) else None

    @cached_property
    def memberships(self) -> list[Member]:
        """The organisations whose backoffice they may open."""
        return list(organisations.memberships_of(self.user)) if self.user else []

    @cached_property
    def is_contact(self) -> bool:
        """Whether they have invoices to look at."""
        return self.user is not None and customers.is_contact(self.user)

    @cached_property
    def brand(self) -> str:
        """The name on top of the page: the organisation's, where there is only one to be meant."""
        return organisations.name_for_everybody(self.user) or "Billhook"

    @cached_property
    def entrance(self) -> Entrance | None:
        """The organisation's entrance that the page belongs to, if it does to one."""
        return entrance_of(self._request.path_info)

    @property
    def is_embedded(self) -> bool:
        """Whether the page is shown inside another site's, so that it has no frame of its own."""
        return self.entrance is not None and self.entrance.is_embedded

    @property
    def parents(self) -> tuple[str, ...]:
        """The sites whose pages may embed this one."""
        return parents_of(self.entrance.organisation_id) if self.entrance else ()

    @property
    def start(self) -> str:
        """The address of the first page."""
        return self.entrance.address("home") if self.entrance else "/"

    @property
    def has_choice(self) -> bool:
        """Whether they may go to more than one site."""
        return len(self.memberships) + self.is_contact > 1


def frame(request: HttpRequest) -> dict[str, Any]:
    """Give templates the frame of the page."""
    return {"frame": Frame(request)}
