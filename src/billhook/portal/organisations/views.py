"""The set-up page of the first start; it is gone as soon as there is an organisation."""

from __future__ import annotations

from django.contrib.auth import login
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from billhook.portal.limits.rates import limited
from billhook.portal.organisations import access, first_run
from billhook.portal.organisations.forms import SetupForm
from billhook.portal.organisations.home import backoffice_of
from billhook.portal.organisations.models import Member


@require_http_methods(["GET", "POST"])
@login_not_required
@never_cache
@sensitive_post_parameters("password", "code")
@limited("setup", "10/m/ip")
def setup(request: HttpRequest) -> HttpResponse:
    """Create the first organisation and sign its owner in."""
    if access.is_set_up():
        raise Http404
    form = SetupForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        owner = _set_up(form)
        login(request, owner.user)
        return HttpResponseRedirect(backoffice_of(owner.organisation_id))
    return render(request, "organisations/setup.html", {"form": form})


def _set_up(form: SetupForm) -> Member:
    try:
        return first_run.set_up(
            organisation_name=form.cleaned_data["organisation_name"],
            email=form.cleaned_data["email"],
            password=form.cleaned_data["password"],
        )
    except first_run.AlreadySetUp:
        raise Http404 from None
