"""A visit to the statement that a source makes: at its own address, for both sites."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.http import Http404, HttpResponse, HttpResponseRedirect

from billhook.portal.documents import viewer
from billhook.portal.documents.statement_click import StatementClick
from billhook.portal.documents.visits.document_page import (
    DocumentPlace,
    file_response,
    pages_response,
)
from billhook.portal.statements.choice import StatementChoice
from billhook.portal.statements.source_document import SourceStatement


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementVisit:
    """The statement that a person wants, and the address of its page and of our own statement."""

    wanted: SourceStatement
    address: str
    own: str
    context: Callable[[], dict[str, object]]
    """More values for the templates."""

    @property
    def values(self) -> dict[str, object]:
        """The values for the templates of documents."""
        click = self.wanted.click
        return {
            **self.context(),
            "statement": click,
            "organisation": click.customer.organisation,
            "address": self.address,
            "own": self.own,
        }

    def file(self, *, download: bool) -> HttpResponse:
        """Return the response that becomes the statement itself."""
        return self._or_own(lambda: file_response(self.wanted, self._place, download=download))

    def pages(self) -> HttpResponse:
        """Return the response that becomes the part of the page in which it is seen."""
        return self._or_own(lambda: pages_response(self.wanted, self._place))

    def page(self, render: Callable[[dict[str, object]], HttpResponse]) -> HttpResponse:
        """Return its page, made by *render*."""
        return self._or_own(lambda: render(self.values))

    def held_file(self, token: str, *, download: bool) -> HttpResponse:
        """Return the bytes on the screen; fetch them again once they have expired."""
        try:
            return viewer.file_response(token, self.wanted.holder, download=download)
        except Http404:
            query = "?download" if download else ""
            return HttpResponseRedirect(f"{self.address}/document{query}")

    def held_page(self, token: str, number: int, *, is_sharp: bool) -> HttpResponse:
        """Return the image of one page of the statement on the screen."""
        return viewer.page_response(token, self.wanted.holder, number=number, is_sharp=is_sharp)

    def held_text(self, token: str) -> HttpResponse:
        """Return the text of the statement on the screen, for laying over its pages."""
        return viewer.text_response(token, self.wanted.holder)

    @property
    def _place(self) -> DocumentPlace:
        return DocumentPlace(reader_id=self.wanted.reader_id, shown_with=lambda: self.values)

    def _or_own(self, respond: Callable[[], HttpResponse]) -> HttpResponse:
        """Lead to our own statement where no source makes one."""
        return respond() if self.wanted.has_source else HttpResponseRedirect(self.own)


def query_of(click: StatementClick) -> str:
    """Return the query with which the page of our own statement shows the same."""
    return StatementChoice(customer=click.customer, period=click.period).query
