"""The billing system's HTTP interface: strict about keys, methods and bodies, as real ones are."""

from __future__ import annotations

import asyncio
import hmac
import html
import json
from collections.abc import Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Final

from aiohttp import web

from billhook.sample.books import Books, NothingToIssue, NothingToPay
from billhook.sample.ledger import ODDITIES, Oddity, SampleInvoice
from billhook.sample.paying import call, is_from_here, pay_page
from billhook.sample.pdf import draw_invoice
from billhook.sample.statement import draw_statement

KEY_HEADER: Final = "X-Api-Key"
SLOW_SECONDS: Final = 4.0
_MOST: Final = 1_000_000

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_NUMBER_FIELDS: Final = ("number", "key2")
_ROUTES: Final = """Alder & Finch billing system (a sample)

  GET  /customers                   whom invoices are for, and the people there
  GET  /customers/{number}/statement?from=2026-03-01&to=2026-03-31
                                    the customer's statement for these days, as a PDF
  GET  /contacts                    those people alone
  GET  /invoices                    every invoice, as JSON; also ?changed_since=2026-03-31T09:30:00Z
                                    and page by page: ?page=1&size=50
  POST /invoices/{number}/pay       pays what is open of it
  POST /invoices/{number}/issue     makes an invoice of a draft; that isn't announced
  GET  /invoices/{number}/payment-link
                                    the page on which to pay it: {"url": "…"}, or null
  PUT  /webhook                     a body {"url": "…"}: where to POST when an invoice is paid
  GET  /pay                         a page on which to pay invoices, without a key
  GET  /invoices/{number}/pdf       the invoice as a PDF
  GET  /items/{number}              the same
  POST /items/{number}              the same, with a body {"key1": "…", "key2": number}
  POST /documents                   the same, for a body {"number": "…"} or number=…
  GET  /print/{number}              the same; without a key a sign-in page with status 200

Each but this page, /pay and /print wants the header X-Api-Key.
"""
_SIGN_IN: Final = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Sign in to Alder &amp; Finch billing</title></head>
<body><h1>Sign in</h1>
<form method="post" action="/login"><label>User <input name="user"></label>
<label>Password <input name="password" type="password"></label><button>Sign in</button></form>
</body></html>
"""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(kw_only=True)
class System:
    """The billing system: the books, the key that callers must know, and the drawn documents."""

    books: Books
    key: str = field(repr=False)
    slow_seconds: float = SLOW_SECONDS

    def __post_init__(self) -> None:
        self.webhook = ""
        self._calls: set[asyncio.Task[None]] = set()
        self._drawn: dict[str, bytes] = {}
        self._pen = ThreadPoolExecutor(1, thread_name_prefix="pen")

    def knows_key(self, request: web.Request) -> bool:
        """Return whether the caller sent the key."""
        given = request.headers.get(KEY_HEADER, "")
        return hmac.compare_digest(given.encode(), self.key.encode())

    async def answer_document(self, number: str) -> web.Response:
        """Respond with the document of *number*, or with that invoice's oddity."""
        invoice = self.books.find(number)
        if invoice is None:
            raise _refusal(web.HTTPNotFound, "not_found", f"There is no invoice {number}.")
        odd = await self._do_oddity(number)
        return odd if odd is not None else await self._send_document(invoice)

    async def _do_oddity(self, number: str) -> web.Response | None:
        """Apply the oddity of *number*: refuse it, respond with something else, or take long."""
        match ODDITIES.get(number):
            case Oddity.FAILING:
                message = "The document store is down (E-5021)."
                raise _refusal(web.HTTPInternalServerError, "internal", message)
            case Oddity.NOT_MADE:
                message = f"The document of {number} isn't made yet."
                raise _refusal(web.HTTPNotFound, "not_made", message)
            case Oddity.SIGN_IN_PAGE:
                return _sign_in_page()
            case Oddity.SLOW:
                await asyncio.sleep(self.slow_seconds)
        return None

    async def _send_document(self, invoice: SampleInvoice) -> web.Response:
        return web.Response(
            body=await self._draw(invoice),
            content_type="application/pdf",
            headers={"Content-Disposition": f'inline; filename="{invoice.number}.pdf"'},
        )

    async def _draw(self, invoice: SampleInvoice) -> bytes:
        name = f"{invoice.number} {invoice.status}"
        if name not in self._drawn:
            loop = asyncio.get_running_loop()
            self._drawn[name] = await loop.run_in_executor(self._pen, draw_invoice, invoice)
        return self._drawn[name]

    async def answer_statement(self, number: str, start: date, end: date) -> web.Response:
        """Respond with the statement of the customer *number*, as the books are now."""
        statement = self.books.statement(number, start=start, end=end)
        if statement is None:
            raise _refusal(web.HTTPNotFound, "not_found", f"There is no customer {number}.")
        loop = asyncio.get_running_loop()
        content = await loop.run_in_executor(self._pen, draw_statement, statement)
        return web.Response(body=content, content_type="application/pdf")

    def pay(self, number: str) -> SampleInvoice:
        """Pay an invoice, and announce it; see :meth:`Books.pay`."""
        invoice = self.books.pay(number)
        if self.webhook:
            task = asyncio.get_running_loop().create_task(call(self.webhook))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        return invoice

    async def close(self, _app: web.Application) -> None:
        """Put the pen away."""
        self._pen.shutdown()


SYSTEM: Final = web.AppKey("system", System)


def make_app(system: System) -> web.Application:
    """Make the web application of *system*."""
    app = web.Application(middlewares=[_require_key], client_max_size=64 * 1024)
    app[SYSTEM] = system
    app.on_cleanup.append(system.close)
    app.add_routes(
        [
            web.get("/", _get_index),
            web.get("/customers", _get_customers),
            web.get("/customers/{number}/statement", _get_statement),
            web.get("/contacts", _get_contacts),
            web.get("/invoices", _get_invoices),
            web.post("/invoices/{number}/pay", _post_payment),
            web.post("/invoices/{number}/issue", _post_issue),
            web.get("/invoices/{number}/payment-link", _get_payment_link),
            web.put("/webhook", _put_webhook),
            web.get("/pay", _get_pay),
            web.post("/pay", _post_pay),
            web.get("/invoices/{number}/pdf", _get_document),
            web.get("/items/{number}", _get_document),
            web.post("/items/{number}", _post_item),
            web.post("/documents", _post_document),
            web.get("/print/{number}", _get_print),
        ]
    )
    return app


# -- the routes --------------------------------------------------------------------------------


async def _get_index(_request: web.Request) -> web.Response:
    return web.Response(text=_ROUTES)


async def _get_customers(request: web.Request) -> web.Response:
    rows = [
        {
            "number": customer.number,
            "name": customer.name,
            "locale": customer.locale,
            "contacts": [{"name": who.name, "email": who.email} for who in customer.contacts],
        }
        for customer in _system(request).books.customers()
    ]
    return web.json_response({"customers": rows})


async def _get_statement(request: web.Request) -> web.Response:
    start, end = _day(request, "from"), _day(request, "to")
    if end < start:
        message = "The day in to can't be before that in from."
        raise _refusal(web.HTTPUnprocessableEntity, "invalid", message)
    return await _system(request).answer_statement(request.match_info["number"], start, end)


def _day(request: web.Request, name: str) -> date:
    try:
        return date.fromisoformat(request.query.get(name, ""))
    except ValueError:
        message = f"{name} is a day such as 2026-03-31."
        raise _refusal(web.HTTPUnprocessableEntity, "invalid", message) from None


async def _get_contacts(request: web.Request) -> web.Response:
    rows = [
        {"id": who.email, "customer": customer.number, "name": who.name, "email": who.email}
        for customer in _system(request).books.customers()
        for who in customer.contacts
    ]
    return web.json_response({"contacts": rows})


async def _get_invoices(request: web.Request) -> web.Response:
    rows = _system(request).books.changed(_since(request))
    total = len(rows)
    if "page" in request.query:
        page, size = _whole(request, "page", 1), _whole(request, "size", 50)
        rows = rows[(page - 1) * size : page * size]
    return web.json_response({"invoices": rows, "total": total})


def _since(request: web.Request) -> datetime | None:
    text = request.query.get("changed_since", "")
    try:
        since = datetime.fromisoformat(text) if text else None
    except ValueError:
        message = "changed_since is a time such as 2026-03-31T09:30:00Z."
        raise _refusal(web.HTTPUnprocessableEntity, "invalid", message) from None
    return since.replace(tzinfo=since.tzinfo or UTC) if since else None


def _whole(request: web.Request, name: str, usual: int) -> int:
    text = request.query.get(name, str(usual))
    if not text.isdecimal() or not 1 <= int(text) <= _MOST:
        message = f"{name} is a whole number from 1 to {_MOST}."
        raise _refusal(web.HTTPUnprocessableEntity, "invalid", message)
    return int(text)


async def _post_payment(request: web.Request) -> web.Response:
    number = request.match_info["number"]
    try:
        invoice = _system(request).pay(number)
    except NothingToPay:
        message = f"Nothing of {number} is open, or there is no such invoice."
        raise _refusal(web.HTTPConflict, "nothing_to_pay", message) from None
    return web.json_response({"number": invoice.number, "status": "paid"})


async def _post_issue(request: web.Request) -> web.Response:
    number = request.match_info["number"]
    try:
        _system(request).books.issue(number)
    except NothingToIssue:
        message = f"{number} isn't a draft, or there is no such invoice."
        raise _refusal(web.HTTPConflict, "nothing_to_issue", message) from None
    return web.json_response({"number": number, "status": "open"})


async def _get_payment_link(request: web.Request) -> web.Response:
    number = request.match_info["number"]
    system = _system(request)
    if system.books.find(number) is None:
        raise _refusal(web.HTTPNotFound, "not_found", f"There is no invoice {number}.")
    is_open = any(each.number == number for each in system.books.payable())
    page = request.url.with_path("/pay").with_query(invoice=number)
    return web.json_response({"url": str(page) if is_open else None})


async def _put_webhook(request: web.Request) -> web.Response:
    fields = await _json_fields(request)
    _system(request).webhook = _text(fields.get("url"), "url")
    return web.Response(status=204)


async def _get_pay(request: web.Request) -> web.Response:
    wanted = request.query.get("invoice", "")
    page = pay_page(_system(request).books.payable(), wanted=wanted)
    return web.Response(text=page, content_type="text/html")


async def _post_pay(request: web.Request) -> web.Response:
    if not is_from_here(request.headers.get("Origin"), request.headers.get("Host")):
        raise _refusal(web.HTTPForbidden, "origin", "Another site sent this form.")
    number = str((await request.post()).get("number", ""))
    try:
        _system(request).pay(number)
        said = f"{html.escape(number)} is paid. The portal shows it in a few seconds."
    except NothingToPay:
        said = "There is nothing to pay of that invoice."
    page = pay_page(_system(request).books.payable(), said=said)
    return web.Response(text=page, content_type="text/html")


async def _get_document(request: web.Request) -> web.Response:
    return await _system(request).answer_document(request.match_info["number"])


async def _post_item(request: web.Request) -> web.Response:
    number = request.match_info["number"]
    if await _number_asked_for(request) != number:
        message = "The number in the body isn't the one in the address."
        raise _refusal(web.HTTPUnprocessableEntity, "invalid", message)
    return await _system(request).answer_document(number)


async def _post_document(request: web.Request) -> web.Response:
    return await _system(request).answer_document(await _number_asked_for(request))


async def _get_print(request: web.Request) -> web.Response:
    system = _system(request)
    if not system.knows_key(request):
        return _sign_in_page()
    return await system.answer_document(request.match_info["number"])


# -- what is asked for -------------------------------------------------------------------------


async def _number_asked_for(request: web.Request) -> str:
    """Read the invoice number from the body, which must be what its Content-Type says."""
    fields = await _fields(request)
    for name in _NUMBER_FIELDS:
        if name in fields:
            return _text(fields[name], name)
    message = 'Say which invoice: {"number": "INV0000001"}.'
    raise _refusal(web.HTTPUnprocessableEntity, "invalid", message)


async def _fields(request: web.Request) -> Mapping[str, Any]:
    match request.content_type:
        case "application/json":
            return await _json_fields(request)
        case "application/x-www-form-urlencoded":
            return await request.post()
        case _:
            message = f"The Content-Type must be {_JSON} or {_FORM}."
            raise _refusal(web.HTTPUnsupportedMediaType, "content_type", message)


async def _json_fields(request: web.Request) -> Mapping[str, Any]:
    try:
        fields = json.loads(await request.text())
    except ValueError:
        raise _refusal(web.HTTPBadRequest, "json", "The body isn't JSON.") from None
    if not isinstance(fields, dict):
        raise _refusal(web.HTTPBadRequest, "json", "The body must be a JSON object.")
    return fields


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        message = f"{name} must be a text such as INV0000001."
        raise _refusal(web.HTTPUnprocessableEntity, "invalid", message)
    return value


# -- refusals ----------------------------------------------------------------------------------


@web.middleware
async def _require_key(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let nobody in without the key, and turn the framework's own refusals into JSON."""
    is_open = request.path in {"/", "/pay"} or request.path.startswith("/print/")
    try:
        if not is_open and not _system(request).knows_key(request):
            message = f"Send your key in the header {KEY_HEADER}."
            raise _refusal(web.HTTPUnauthorized, "unauthorised", message)
        return await handler(request)
    except web.HTTPError as error:
        if error.content_type == _JSON:
            raise
        return _problem(error.status, "refused", error.reason)


def _refusal(kind: type[web.HTTPError], code: str, message: str) -> web.HTTPError:
    return kind(text=_problem_text(code, message), content_type=_JSON)


def _problem(status: int, code: str, message: str) -> web.Response:
    return web.Response(status=status, text=_problem_text(code, message), content_type=_JSON)


def _problem_text(code: str, message: str) -> str:
    return json.dumps({"error": code, "message": message})


def _sign_in_page() -> web.Response:
    return web.Response(text=_SIGN_IN, content_type="text/html")


def _system(request: web.Request) -> System:
    return request.app[SYSTEM]
