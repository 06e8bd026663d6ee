"""The billing system's HTTP interface: strict about keys, methods and bodies, as real ones are."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Final

from aiohttp import web

from billhook.sample.ledger import ODDITIES, Oddity, SampleInvoice
from billhook.sample.pdf import draw_invoice

KEY_HEADER: Final = "X-Api-Key"
SLOW_SECONDS: Final = 4.0

_JSON: Final = "application/json"
_FORM: Final = "application/x-www-form-urlencoded"
_NUMBER_FIELDS: Final = ("number", "key2")
_ROUTES: Final = """Alder & Finch billing system (a sample)

  GET  /customers                   whom invoices are for, and the people there
  GET  /invoices                    every invoice, as JSON
  GET  /invoices/{number}/pdf       the invoice as a PDF
  GET  /items/{number}              the same
  POST /items/{number}              the same, with a body {"key1": "…", "key2": number}
  POST /documents                   the same, for a body {"number": "…"} or number=…
  GET  /print/{number}              the same; without a key a sign-in page with status 200

Each but this page and /print wants the header X-Api-Key.
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

    invoices: Sequence[SampleInvoice]
    key: str = field(repr=False)
    slow_seconds: float = SLOW_SECONDS

    def __post_init__(self) -> None:
        self._by_number = {invoice.number: invoice for invoice in self.invoices}
        self._drawn: dict[str, bytes] = {}
        self._pen = ThreadPoolExecutor(1, thread_name_prefix="pen")

    def knows_key(self, request: web.Request) -> bool:
        """Return whether the caller sent the key."""
        given = request.headers.get(KEY_HEADER, "")
        return hmac.compare_digest(given.encode(), self.key.encode())

    async def answer_document(self, number: str) -> web.Response:
        """Respond with the document of *number*, or with that invoice's oddity."""
        invoice = self._by_number.get(number)
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
        if invoice.number not in self._drawn:
            loop = asyncio.get_running_loop()
            drawn = await loop.run_in_executor(self._pen, draw_invoice, invoice)
            self._drawn[invoice.number] = drawn
        return self._drawn[invoice.number]

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
            web.get("/invoices", _get_invoices),
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
    customers = {invoice.customer.number: invoice.customer for invoice in _system(request).invoices}
    rows = [
        {
            "number": customer.number,
            "name": customer.name,
            "locale": customer.locale,
            "contacts": [{"name": who.name, "email": who.email} for who in customer.contacts],
        }
        for customer in customers.values()
    ]
    return web.json_response({"customers": rows})


async def _get_invoices(request: web.Request) -> web.Response:
    rows = [_row(invoice) for invoice in _system(request).invoices]
    return web.json_response({"invoices": rows, "total": len(rows)})


def _row(invoice: SampleInvoice) -> dict[str, Any]:
    return {
        "id": invoice.id,
        "number": invoice.number,
        "customer": invoice.customer.number,
        "date": invoice.issued_on.isoformat(),
        "due_date": invoice.due_on.isoformat(),
        "amount": f"{invoice.total:.2f}",
        "open_amount": f"{invoice.due:.2f}",
        "currency": invoice.customer.currency,
        "status": invoice.status,
    }


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
    is_open = request.path == "/" or request.path.startswith("/print/")
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
