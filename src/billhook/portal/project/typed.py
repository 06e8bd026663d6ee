"""Nothing typed is lost when a session or the token of a form has ended.

What was sent is kept in the new session, encrypted and without its secrets, until its person opens
the form again: after signing in, or at once if only the token was too old. Then the form has it.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from allauth.core.internal import ratelimit
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render

from billhook.engine.secret import Secret
from billhook.portal.handover.entrance import entrance_of
from billhook.portal.integrations.crypto import SecretPlace, SecretUnreadableError
from billhook.portal.integrations.vault import key_ring
from billhook.portal.project.refill import refilled

KEPT_SECONDS: Final = 3600
_KEY: Final = "typed"
_SECRET: Final = re.compile(r"(old)?password\d?|secret-\d+-value|csrfmiddlewaretoken|do")
_PLACE: Final = SecretPlace(organisation_id="", integration_id="a form of", name="nobody yet")
_NOTICE: Final = (
    "{why}, so nothing was saved. Here is what you typed, without passwords and secrets: check it, "
    "and send it again."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TypedForm:
    """A form that was sent in vain: its page, where it was sent to, its fields, and why."""

    page: str
    action: str
    fields: dict[str, list[str]]
    why: str
    at: float


class SignInFirst(LoginRequiredMiddleware):
    """Ask who isn't signed in to do that, and keep what they sent for afterwards."""

    def handle_no_permission(  # type: ignore[override] # the stubs know only redirects
        self, request: HttpRequest, view_func: Callable[..., Any]
    ) -> HttpResponse:
        """Lead to the sign-in page; from there to the page of the form that was sent.

        At an organisation's own entrance only its site can sign the person in again.
        """
        entrance = entrance_of(request.path_info)
        if entrance is not None:
            return render(
                request, "sign_in/handover_ended.html", {"entrance": entrance}, status=403
            )
        if request.method != "POST":
            return super().handle_no_permission(request, view_func)
        page = page_of_form(request) or request.path
        keep_typed(request, page=page, why="You had been signed out")
        return redirect_to_login(page, self.get_login_url(view_func))


class FillsFormsAgain:
    """Open a form with what was sent in vain before. It comes last: who may see it is known."""

    sync_capable = True
    async_capable = False

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Respond to *request*."""
        response = self.get_response(request)
        typed: TypedForm | None = getattr(request, "typed", None)
        if typed is None or response.streaming or response.status_code != 200:  # noqa: PLR2004
            return response
        page = response.content.decode()
        response.content = refilled(
            page, typed.fields, action=typed.action, address=request.path
        ).encode()
        return response

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., HttpResponse],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> HttpResponse | None:
        """Let a view whose form has rows make it of what was typed; fill any other form later."""
        typed = _take_typed(request)
        if typed is None:
            return None
        messages.warning(request, _NOTICE.format(why=typed.why))
        if not getattr(view, "looks_again", False):
            request.typed = typed  # type: ignore[attr-defined]
            return None
        posted = QueryDict(mutable=True)
        for name, texts in typed.fields.items():
            posted.setlist(name, texts)
        posted["do"] = "look"
        request.method, request.POST = "POST", posted  # type: ignore[assignment]
        return view(request, *args, **kwargs)


def page_of_form(request: HttpRequest) -> str:
    """Return the address of the page whose form was sent, or nothing if it isn't one of ours."""
    sender = urlsplit(request.headers.get("Referer", ""))
    return sender.path if sender.netloc == request.get_host() else ""


def keep_typed(request: HttpRequest, *, page: str, why: str) -> bool:
    """Keep what *request* sent for the form at *page*; return whether it is kept.

    A stranger's forms are kept, too, but not many of them.
    """
    is_navigation = request.headers.get("Sec-Fetch-Mode", "navigate") == "navigate"
    fields = {
        name: [str(text) for text in texts]
        for name, texts in request.POST.lists()
        if not _SECRET.fullmatch(name)
    }
    if not fields or not is_navigation or not _may_keep(request):
        return False
    typed = TypedForm(page=page, action=request.path, fields=fields, why=why, at=time.time())
    sealed = key_ring().encrypt(Secret(json.dumps(asdict(typed))), _PLACE)
    request.session[_KEY] = base64.b64encode(sealed).decode("ascii")
    return True


def _may_keep(request: HttpRequest) -> bool:
    has_cookies = {settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME} & set(request.COOKIES)
    limit = {"typed": "20/m/ip"}
    return bool(has_cookies) and bool(
        ratelimit.consume(request, app="billhook", action="typed", config=limit)
    )


def _take_typed(request: HttpRequest) -> TypedForm | None:
    """Return what was typed for this page, and forget it."""
    if request.method != "GET" or _KEY not in request.session:
        return None
    typed = _opened(request.session[_KEY])
    if typed is not None and typed.page != request.path:
        return None
    del request.session[_KEY]
    return typed


def _opened(sealed: str) -> TypedForm | None:
    try:
        text = key_ring().decrypt(base64.b64decode(sealed), _PLACE).reveal()
        typed = TypedForm(**json.loads(text))
    except (ValueError, TypeError, SecretUnreadableError):
        return None
    return typed if time.time() - typed.at <= KEPT_SECONDS else None
