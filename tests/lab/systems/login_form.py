"""A site with Django's login form: a CSRF cookie and field, then a session in a cookie."""

from __future__ import annotations

from http.cookies import SimpleCookie
from typing import Any, ClassVar

from aiohttp import web

from lab.standin import Call, Refused, StandIn, fact, html_answer, moved, pdf_answer, route

USER, CSRF, FIELD = "billhook", "c" * 32, "f" * 64
LOGIN = "/accounts/login/"
FORM = (
    f'<form method="post"><input type="hidden" name="csrfmiddlewaretoken" value="{FIELD}"></form>'
)


class LoginForm(StandIn):
    preset = "login-form"
    row = "Login form"
    secrets: ClassVar = {"Password": "p4ss+word & 7"}
    optional: ClassVar = {"Referer": "Django wants it over https only"}
    quoting = "in the path, percent-encoded; slashes separate folders"

    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[str] = []

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": self.api, "User": USER}

    @route("GET", LOGIN, sign_in=True)
    def form(self, call: Call) -> web.Response:
        response = html_answer(FORM)
        response.set_cookie("csrftoken", CSRF, httponly=True, samesite="Lax")
        return response

    @route("POST", LOGIN, sign_in=True)
    def sign_in(self, call: Call) -> web.Response:
        given = call.form("csrfmiddlewaretoken", "username", "password")
        if _cookies(call).get("csrftoken") != CSRF or given.pop("csrfmiddlewaretoken") != FIELD:
            raise Refused(403, "CSRF verification failed", content_type="text/html")
        if given != {"username": USER, "password": self.secrets["Password"]}:
            self.refusals.append("the form again: another user or password")
            return html_answer(f'{FORM}<input type="password">')
        self.sessions.append(f"{len(self.sessions):032x}")
        response = moved("/")
        response.set_cookie("sessionid", self.sessions[-1], httponly=True, samesite="Lax")
        return response

    @route("GET", "/documents/{file:*}")
    def document(self, call: Call, file: str) -> web.Response:
        if not self.sessions or _cookies(call).get("sessionid") != self.sessions[-1]:
            return moved(f"{LOGIN}?next={call.raw_path}")
        invoice = self.get(number=file.removesuffix(".pdf"))
        if invoice.is_draft:
            raise Refused(404, "not issued yet")
        return pdf_answer(invoice.pdf)

    @fact("All runs share one session, and it is opened again when a redirect leads to the form.")
    async def opens_the_session_again(self, world: Any) -> None:
        await world.fetch_right("INV0000001")
        await world.fetch_right("00123")
        assert len(self.sessions) == 1
        self.sessions.append("ended")
        await world.fetch_right("INV0000001")
        assert len(self.sessions) == 3


def _cookies(call: Call) -> dict[str, str]:
    parsed = SimpleCookie("; ".join(call.headers.getall("Cookie", [])))
    return {name: morsel.value for name, morsel in parsed.items()}
