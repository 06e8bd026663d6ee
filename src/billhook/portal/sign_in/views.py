"""The pages on which people sign in and out, and change their own settings."""

from __future__ import annotations

from typing import Any, Final, cast

from allauth.account import views as allauth_views
from allauth.account.internal.stagekit import clear_login, get_pending_stage
from django.contrib import messages
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.decorators import method_decorator
from django.views.decorators.http import require_http_methods

from billhook.portal.accounts import services
from billhook.portal.accounts.who import user_of
from billhook.portal.mail.status import mail_status
from billhook.portal.notices.access import choices_of_person
from billhook.portal.notices.languages import language_choices
from billhook.portal.notices.models import Frequency
from billhook.portal.organisations.access import is_set_up, only_organisation
from billhook.portal.sign_in.forms import NameForm

_CODE_ELSEWHERE: Final = (
    "A code works for ten minutes, in the browser where you asked for it. If that is on another "
    "device, type the code there. To sign in here, type your e-mail and we send you a new code."
)


class _StartsAnew:
    """Forget a code that was requested before: the person wants another way or address."""

    def _redirect_to_pending_stage(self, request: HttpRequest, _stage: Any) -> None:
        clear_login(request)


class _SaysWhenMailFails:
    """Say where codes don't arrive. The words are the same for everybody, known or not."""

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        """Return what the page needs."""
        context: dict[str, Any] = super().get_context_data(**kwargs)  # type: ignore[misc]
        return context | {"mail": mail_status(), "asked": only_organisation()}


class SignInView(_SaysWhenMailFails, _StartsAnew, allauth_views.RequestLoginCodeView):  # type: ignore[misc]
    """Ask for the e-mail address and send a code to it, if it is known."""

    template_name = "sign_in/sign_in.html"

    @method_decorator(login_not_required)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Redirect to the set-up page as long as nobody could sign in."""
        if not is_set_up():
            return HttpResponseRedirect(reverse("setup"))
        return cast("HttpResponseBase", super().dispatch(request, *args, **kwargs))


class CodeView(_SaysWhenMailFails, allauth_views.ConfirmLoginCodeView):  # type: ignore[misc]
    """Ask for the code. The page is the same whether one was sent or not."""

    template_name = "sign_in/code.html"

    @method_decorator(login_not_required)
    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """Explain it where no code is expected: on another device, or when it is too late."""
        if get_pending_stage(request) is None and not request.user.is_authenticated:
            messages.warning(request, _CODE_ELSEWHERE)
            return HttpResponseRedirect(
                self.passthrough_next_url(reverse("account_request_login_code"))
            )
        return cast("HttpResponseBase", super().dispatch(request, *args, **kwargs))


class PasswordView(_StartsAnew, allauth_views.LoginView):  # type: ignore[misc]
    """Ask for e-mail address and password."""

    template_name = "sign_in/password.html"


class SignOutView(allauth_views.LogoutView):  # type: ignore[misc]
    """Sign out: a page with a button, so that a link alone can't do it."""

    template_name = "sign_in/sign_out.html"


class ChangePasswordView(allauth_views.PasswordChangeView):  # type: ignore[misc]
    """Change the password. Everywhere else the person is signed out."""

    template_name = "sign_in/change_password.html"


class SetPasswordView(allauth_views.PasswordSetView):  # type: ignore[misc]
    """Set a first password, as somebody who signed in by code."""

    template_name = "sign_in/change_password.html"


# Django's form views would take PUT as POST.
_by_get_and_post = require_http_methods(["GET", "HEAD", "POST"])

sign_in = _by_get_and_post(SignInView.as_view())
code = _by_get_and_post(CodeView.as_view())
password = _by_get_and_post(PasswordView.as_view())
sign_out = _by_get_and_post(SignOutView.as_view())
change_password = _by_get_and_post(ChangePasswordView.as_view())
set_password = _by_get_and_post(SetPasswordView.as_view())


@require_http_methods(["GET", "POST"])
def settings(request: HttpRequest) -> HttpResponse:
    """Show a person's own settings, and change their name."""
    user = user_of(request)
    form = NameForm(request.POST or None, initial={"name": user.name})
    if request.method == "POST" and form.is_valid():
        services.change_name(user=user, name=form.cleaned_data["name"])
        messages.success(request, "Saved.")
        return HttpResponseRedirect(reverse("settings"))
    context = {
        "form": form,
        "notices": choices_of_person(user),
        "frequencies": Frequency.choices,
        "languages": language_choices(),
    }
    return render(request, "sign_in/settings.html", context)
