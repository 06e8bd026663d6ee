"""The first page of the backoffice."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from billhook.portal.backoffice.home_page import home_facts
from billhook.portal.backoffice.pages import member_for, page


@require_safe
def home(request: HttpRequest, organisation_id: str) -> HttpResponse:
    """Show the remaining tasks, then the balances and the last runs."""
    member = member_for(request, organisation_id)
    return page(request, member, "backoffice/home.html", home_facts(member), section="home")
