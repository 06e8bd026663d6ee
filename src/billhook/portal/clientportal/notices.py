"""A person's own notices: chosen under My settings, or stopped by the link in each mail."""

from __future__ import annotations

from typing import Final

from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from billhook.portal.accounts.who import user_of
from billhook.portal.limits.rates import limited
from billhook.portal.notices import access, services
from billhook.portal.notices.languages import language_choices
from billhook.portal.notices.links import read_stop_token
from billhook.portal.notices.models import Frequency
from billhook.portal.organisations.access import name_for_letter

_UNKNOWN: Final = "This choice doesn't exist. Choose one from the list."


@require_POST
@limited("notices", "60/h/user")
def choose(request: HttpRequest) -> HttpResponse:
    """Change how a person gets the notices of one organisation."""
    user = user_of(request)
    wanted = request.POST.get("organisation", "")
    frequency, language = request.POST.get("frequency", ""), request.POST.get("language", "")
    theirs = {each.organisation.id: each.organisation for each in access.choices_of_person(user)}
    languages = {"", *(code for code, _ in language_choices())}
    if wanted not in theirs or frequency not in Frequency.values or language not in languages:
        messages.error(request, _UNKNOWN)
    else:
        services.choose(
            user=user, organisation=theirs[wanted], frequency=frequency, language=language
        )
        messages.success(request, "Saved.")
    return HttpResponseRedirect(f"{reverse('settings')}#notices")


@csrf_exempt  # a mail program posts here with nothing but the link (RFC 8058)
@login_not_required
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stop(request: HttpRequest, token: str) -> HttpResponse:
    """Stop the notices of one organisation; only a POST does, since mail filters open links.

    The page is the same whether the person is still known.
    """
    link = read_stop_token(token)
    if link is None:
        raise Http404
    if request.method == "POST":
        services.stop_notices(user_id=link.user_id, organisation_id=link.organisation_id)
    context = {
        "organisation": name_for_letter(link.organisation_id),
        "is_done": request.method == "POST",
    }
    return render(request, "clientportal/stop_notices.html", context)
