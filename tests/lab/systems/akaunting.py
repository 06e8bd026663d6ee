"""Akaunting: an API that has no document, and pages that want a session in a cookie."""

from __future__ import annotations

import re
import secrets
from typing import Any, ClassVar, Final

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, html_answer, json_answer, pdf_answer, route
from lab.strict import check_basic

_EMAIL: Final = "billhook@example.com"
_COOKIE: Final = "akaunting_session"


class Akaunting(StandIn):
    preset = "akaunting"
    row = "Akaunting"
    secrets: ClassVar = {"Password": "p&ss=W0rd%+"}
    refused_outcome = "sign-in-failed"
    quoting = "in a search in the query; compared again in the response"
    impossible: ClassVar = {'O\'Brien "7"': "document-not-found"}
    optional: ClassVar = {"Accept": "the response is JSON in any case"}

    def __init__(self) -> None:
        super().__init__()
        self.sessions: dict[str, bool] = {}
        self.csrf: dict[str, str] = {}
        self.logins = 0

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": self.api, "CompanyId": "3", "Email": _EMAIL}

    def secret_texts(self) -> Any:
        yield from super().secret_texts()
        yield from self.sessions

    @route("GET", "/auth/login", sign_in=True)
    def login_page(self, call: Call) -> web.Response:
        call.no_query()
        session, token = secrets.token_hex(20), secrets.token_hex(20)
        self.csrf[session] = token
        page = html_answer(f'<title>Login</title><script>{{"csrfToken":"{token}"}};</script>')
        page.headers["Set-Cookie"] = f"{_COOKIE}={session}; path=/; httponly; samesite=lax"
        return page

    @route("POST", "/auth/login", sign_in=True)
    def login(self, call: Call) -> web.Response:
        self.logins += 1
        session = self._session(call)
        form = call.form("_token", "email", "password")
        if self.csrf.get(session) != form["_token"]:
            raise Refused(419, "another CSRF token", data={"message": "CSRF token mismatch."})
        if (form["email"], form["password"]) != (_EMAIL, self.secrets["Password"]):
            message = "These credentials do not match our records."
            raise Refused(200, message, data={"success": False, "message": message})
        fresh = secrets.token_hex(20)
        self.sessions[fresh] = True
        done = json_answer({"status": None, "success": True, "redirect": f"{self.api}/3"})
        done.headers["Set-Cookie"] = f"{_COOKIE}={fresh}; path=/; httponly; samesite=lax"
        return done

    @route("GET", "/api/documents")
    def documents(self, call: Call) -> web.Response:
        check_basic(call, _EMAIL, self.secrets["Password"])
        query = call.query("company_id", "search")
        if query["company_id"] != "3":
            raise Refused(403, "another company", data={"message": "Forbidden."})
        search = re.fullmatch(r'type:invoice document_number:"([^"]*)"', query["search"])
        wanted = search.group(1) if search else None
        found = [each for each in self.invoices if each.number == wanted]
        rows = [
            {
                "id": each.serial,
                "type": "invoice",
                "document_number": each.number,
                "status": "draft" if each.is_draft else "sent",
            }
            for each in found
        ]
        return json_answer({"data": rows, "meta": {"total": len(rows)}})

    @route("GET", "/3/sales/invoices/{id}/pdf")
    def pdf(self, call: Call, id: str) -> web.Response:  # noqa: A002 - the route's own word
        if self._session(call) not in self.sessions:
            response = web.Response(status=302, headers={"Location": f"{self.api}/auth/login"})
            self.refusals.append("302: nobody is signed in")
            return response
        invoice = self.get(serial=int(id))
        return pdf_answer(invoice.pdf, headers={"Content-Disposition": "attachment"})

    def _session(self, call: Call) -> str:
        cookies = dict(
            pair.split("=", 1) for pair in call.headers.get("Cookie", "").split("; ") if pair
        )
        return cookies.get(_COOKIE, "")

    @fact("A session that has ended is opened again, and the document arrives.")
    async def renews_the_session(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.sessions.clear()
        await world.fetch_right(NUMBERS[1])
        assert self.logins == 2
