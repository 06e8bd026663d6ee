"""One VIEW by a contact through the running server, as a browser without scripts does it."""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, ProxyHandler, build_opener

from billhook.engine.command.preview import MaskedRequest
from billhook.engine.http.trace import Attempt, Timing
from billhook.portal.documents.token_values import Click, invoice_tokens
from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.store import get_store
from billhook.portal.runs.models import Run
from billhook.portal.runs.recorder import get_recorder

COMMAND: Final = "GetInvoiceImage"
_SECONDS: Final = 30
_LOOK_EVERY: Final = 0.05
_CSRF_FIELD: Final = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')


class NoVisit(Exception):
    """The server didn't respond as a visitor expects; ``str(error)`` names the request."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstView:
    """The record of a VIEW: the requests, and the response."""

    number: str
    requests: tuple[MaskedRequest, ...]
    run_id: str
    outcome: str
    attempts: tuple[Attempt, ...]
    milliseconds: float
    media_type: str
    size: int
    sha256: str


def view_invoice(*, address: str, click: Click, password: str) -> FirstView:
    """Sign in at *address* as the contact of *click*, view its invoice, and return the record.

    Raises:
        NoVisit: if the server didn't respond, or not as it should.
    """
    visitor = Visitor(address)
    visitor.wait_until_ready()
    visitor.sign_in(click.user.email, password)
    answer = visitor.get(f"/invoices/{click.invoice.id}/document")
    run = _run_of(answer)
    return FirstView(
        number=click.invoice.number,
        requests=_what_was_sent(click),
        run_id=run.id,
        outcome=run.outcome,
        attempts=tuple(_attempt(row) for row in run.attempts),
        milliseconds=run.milliseconds,
        media_type=run.media_type,
        size=len(answer.content),
        sha256=hashlib.sha256(answer.content).hexdigest(),
    )


def _run_of(answer: VisitorResponse) -> Run:
    get_recorder().flush()
    run = Run.objects.filter(id=answer.headers.get("billhook-run", "")).first()
    if run is None:
        raise NoVisit("The answer was no document: it names no run.")
    return run


def _what_was_sent(click: Click) -> tuple[MaskedRequest, ...]:
    live = asyncio.run(_first_source(click.invoice.organisation_id))
    if live is None:
        return ()
    command = live.commands[COMMAND]
    tokens = invoice_tokens(click, command.tokens)
    values = command.values(tokens, secrets=live.secrets_of(COMMAND))
    return command.preview(values)


async def _first_source(organisation_id: str) -> LiveIntegration | None:
    async for live in get_store().sources_of(organisation_id, COMMAND):
        return live
    return None


def _attempt(row: Mapping[str, object]) -> Attempt:
    timing = row["timing"]
    return Attempt(**{**row, "timing": Timing(**timing)})  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitorResponse:
    """The server's response to a visitor."""

    headers: Mapping[str, str]
    content: bytes


class Visitor:
    """A minimal browser: it keeps cookies, fills in the sign-in form, and follows redirects."""

    def __init__(self, address: str) -> None:
        self._address = address
        jar = CookieJar(DefaultCookiePolicy(strict_domain=False))
        self._opener: OpenerDirector = build_opener(ProxyHandler({}), HTTPCookieProcessor(jar))

    def wait_until_ready(self) -> None:
        """Wait until the server says that it can serve."""
        patience = time.monotonic() + _SECONDS
        while True:
            try:
                self.get("/readyz")
            except NoVisit:
                if time.monotonic() > patience:
                    raise
                time.sleep(_LOOK_EVERY)
            else:
                return

    def sign_in(self, email: str, password: str) -> None:
        """Sign in with a password, on the page that people use."""
        path = "/sign-in/password"
        page = self.get(path).content.decode()
        token = _CSRF_FIELD.search(page)
        if token is None:
            raise NoVisit(f"{path} has no form.")
        fields = {"csrfmiddlewaretoken": token[1], "login": email, "password": password}
        self._open(path, urlencode(fields).encode())

    def get(self, path: str) -> VisitorResponse:
        """Return the server's response to GET *path*."""
        return self._open(path)

    def _open(self, path: str, body: bytes | None = None) -> VisitorResponse:
        try:
            with self._opener.open(f"{self._address}{path}", body, timeout=_SECONDS) as answer:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return VisitorResponse(headers=headers, content=answer.read())
        except HTTPError as error:
            error.close()
            raise NoVisit(f"{path} was answered with {error.code}.") from None
        except (URLError, OSError):
            raise NoVisit(f"{path} wasn't answered.") from None
