"""Documents that are only links: where a person may be sent."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpResponse

from billhook.engine.answer.document import Document
from billhook.engine.delivery import LINK_TYPE
from billhook.engine.egress.url import parse_page_url
from billhook.engine.errors import NotADocument
from billhook.engine.verdict import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """An address of another system's page, on https alone."""

    url: str
    host: str

    def redirect(self) -> HttpResponse:
        """Return the response that sends the browser there, without a Referer."""
        return HttpResponse(
            status=303, headers={"Location": self.url, "Referrer-Policy": "no-referrer"}
        )


def is_link(document: Document) -> bool:
    """Return whether *document* is only a link."""
    return document.media_type == LINK_TYPE


def take_link(document: Document) -> Link:
    """Return the link in *document*, and close it; raise NotADocument if it isn't one.

    What follows a # is for the browser, as in :func:`billhook.engine.delivery.judge_link`.
    """
    with document:
        text = document.body.read().decode("ascii", errors="replace").strip()
    page = parse_page_url(text)
    if isinstance(page, Verdict) or page[0].scheme != "https":
        raise NotADocument("The source returned a link that isn't an https address.")
    url, fragment = page
    return Link(url=f"{url.text}{fragment}", host=url.host)
