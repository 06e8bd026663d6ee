"""Middleware around the pages of an entrance: its own cookies, its person, and who may embed it."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse

from billhook.portal.handover.access import parents_of
from billhook.portal.handover.cookies import as_django_reads, as_entrance_sets
from billhook.portal.handover.entrance import entrance_of
from billhook.portal.handover.framing import let_embed
from billhook.portal.handover.session import user_handed_over


class EntranceCookies:
    """Have Django read and set an entrance's own cookies there, and its own everywhere else."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Respond to *request*; an embedded page names the sites that may embed it."""
        entrance = entrance_of(request.path_info)
        if entrance is None:
            return self.get_response(request)
        request.COOKIES = as_django_reads(request.COOKIES, entrance)
        response = self.get_response(request)
        as_entrance_sets(response, entrance)
        if entrance.is_embedded:
            let_embed(response, parents_of(entrance.organisation_id))
        return response


class PersonHandedOver:
    """Have the person of the entrance's session as the user there, and nobody else."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Respond to *request*."""
        entrance = entrance_of(request.path_info)
        if entrance is not None:
            person = user_handed_over(request.session, entrance)
            request.user = person or AnonymousUser()
        return self.get_response(request)
