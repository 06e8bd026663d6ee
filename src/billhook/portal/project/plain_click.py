"""A plain click on VIEW: a contact's GET of a document, with nothing unusual about it.

It takes a short way past Django's middleware and ORM, which cost several times as much as all that
is special about a click. Whatever isn't plain, or isn't to be let in, takes the whole way and is
decided there. So the short way can only let in, and a test compares the two for every state of
sessions, people and invoices.
"""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, Final

from django.conf import settings
from django.contrib.sessions.backends.db import SessionStore
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from django.http.request import split_domain_port, validate_host
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware

from billhook.portal.accounts.signed_in import user_of_plain_session
from billhook.portal.clientportal.reader import Reader
from billhook.portal.compression.pages import compress_failure
from billhook.portal.documents.response import DocumentResponse
from billhook.portal.documents.visits.document_page import fetched_file, seconds_to_wait
from billhook.portal.fields.converters import IdConverter
from billhook.portal.invoices.access import invoice_for_contact
from billhook.portal.invoices.models import Invoice
from billhook.portal.project.middleware import OwnHeaders

Scope = MutableMapping[str, Any]

_PATH: Final = re.compile(rf"/invoices/({IdConverter.regex})/document")
_DOWNLOADS: Final = {b"": False, b"download": True}
"""The queries of a plain click, and whether they ask for the file to be saved."""
_COOKIES: Final = re.compile(r"({0}; ?)*{0}".format(r"[\w.-]+=[!#-+\--:<-\[\]-~]*"), re.ASCII)
"""Cookies as RFC 6265 has them, without quotes: no two programs read them differently."""
_CSRF: Final = re.compile(r"[A-Za-z0-9]{32}")
"""The cookie against forged forms. If it is anything else, Django sets a new one."""
_OF_CONTENT: Final = frozenset({"Content-Type", "Content-Length"})
_HAS_BODY: Final = frozenset({b"content-length", b"transfer-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainClick:
    """A click that may take the short way: which invoice, and by which session."""

    scope: Scope
    invoice_id: str
    session_key: str
    is_download: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmittedClick:
    """A plain click by a contact who may see the invoice."""

    click: PlainClick
    reader: Reader
    invoice: Invoice

    def response(self) -> DocumentResponse | None:
        """Return the response that becomes the document, as view and middleware make it.

        None if the person has opened too many files in a moment.
        """
        if seconds_to_wait(self.reader.reader_id):
            return None
        is_download = self.click.is_download
        wanted = self.reader.document(self.invoice, download=is_download)
        place = self.reader.place(self.invoice)
        response = fetched_file(wanted, place, download=is_download)
        response.when_opened(self._finish)
        return response

    def request(self) -> ASGIRequest:
        """Return the request as the middleware makes it, for a page in the document's place."""
        request = ASGIRequest(self.click.scope, io.BytesIO())
        request.user = self.reader.signed_in
        request.session = SessionStore(self.click.session_key)
        return request

    def _finish(self, opened: HttpResponseBase) -> None:
        """Do to the document, or to a page in its place, what the middleware does."""
        is_secure = self.click.scope["scheme"] == "https"
        for name, value in _headers_of_pages(is_secure=is_secure).items():
            opened.headers.setdefault(name, value)
        if "html" in opened.headers["Content-Type"]:
            compress_failure(self.request(), opened)


def plain_click_of(scope: Scope) -> PlainClick | None:
    """Return the click that *scope* is, if it is a plain one."""
    path = _PATH.fullmatch(scope["path"])
    is_download = _DOWNLOADS.get(scope["query_string"])
    if path is None or is_download is None or scope["method"] != "GET" or scope.get("root_path"):
        return None
    headers = dict(scope["headers"])
    if len(headers) != len(scope["headers"]) or _HAS_BODY & headers.keys():
        return None
    key = _session_key(headers.get(b"cookie", b""))
    if not key or not _is_known(headers.get(b"host", b"")):
        return None
    return PlainClick(scope=scope, invoice_id=path[1], session_key=key, is_download=is_download)


def admit(click: PlainClick) -> AdmittedClick | None:
    """Return *click* with who clicked and what they may see; None if the whole way decides.

    For a thread: this reads the database.
    """
    user = user_of_plain_session(click.session_key)
    if user is None:
        return None
    invoice = invoice_for_contact(user, click.invoice_id)
    if invoice is None:
        return None
    return AdmittedClick(click=click, reader=Reader(user=user, signed_in=user), invoice=invoice)


def _session_key(cookies: bytes) -> str:
    """Return the key of the session that *cookies* name, or nothing if they aren't plain."""
    text = cookies.decode("latin-1")
    if not _COOKIES.fullmatch(text):
        return ""
    pairs = [pair.strip().split("=", 1) for pair in text.split(";")]
    given = dict(pairs)
    token = given.get(settings.CSRF_COOKIE_NAME)
    if len(given) != len(pairs) or (token is not None and not _CSRF.fullmatch(token)):
        return ""
    return given.get(settings.SESSION_COOKIE_NAME, "")


@lru_cache(maxsize=100)
def _is_known(host: bytes) -> bool:
    """Return whether *host* is one of ours, as Django judges it."""
    domain, _ = split_domain_port(host.decode("latin-1"))
    return bool(domain) and validate_host(domain, settings.ALLOWED_HOSTS)


@cache
def _headers_of_pages(*, is_secure: bool) -> Mapping[str, str]:
    """Return the headers that the middleware sets on a page of somebody who is signed in."""
    scheme = "https" if is_secure else "http"
    scope = {"type": "http", "method": "GET", "path": "/", "scheme": scheme}
    request, page = ASGIRequest(scope, io.BytesIO()), HttpResponse()
    SecurityMiddleware(lambda _: page).process_response(request, page)
    OwnHeaders(lambda _: page)(request)
    page.headers["Vary"] = "Cookie"  # that of the session
    return {name: value for name, value in page.items() if name not in _OF_CONTENT}
