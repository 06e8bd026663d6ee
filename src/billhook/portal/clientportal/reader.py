"""The reader of a contact's pages: the contact, or a member who looks at them as that contact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import structlog
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.urls import reverse

from billhook.portal.accounts.models import User
from billhook.portal.accounts.who import user_of
from billhook.portal.customers.access import (
    contact_to_view_as,
    customers_for_contact,
    only_customer,
)
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.documents.invoice_document import InvoiceDocument, holder_of
from billhook.portal.documents.statement_click import StatementClick
from billhook.portal.documents.token_values import Click
from billhook.portal.documents.visits.document_page import DocumentPlace
from billhook.portal.fields.periods import StatementPeriod
from billhook.portal.handover.entrance import Entrance
from billhook.portal.invoices.access import (
    invoices_for_contact,
    listed_invoices_for_contact,
    only_invoice,
)
from billhook.portal.invoices.models import Invoice
from billhook.portal.runs.models import RunKind
from billhook.portal.statements.source_document import SourceStatement
from billhook.portal.statements.visit import StatementVisit, query_of
from billhook.portal.storage.shelf import Holder
from billhook.portal.sync.access import sources_of_contact
from billhook.portal.sync.models import SyncSource

log = structlog.get_logger("billhook.portal")

_Row = TypeVar("_Row", bound=Model)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """Whose pages are shown, and to whom.

    With *contact*, a member of that contact's organisation looks: at its invoices alone, and
    nothing counts as viewed by the contact. With *entrance*, its organisation vouches for the
    person, for its own invoices alone.
    """

    user: User
    signed_in: User
    contact: Contact | None = None
    entrance: Entrance | None = None

    @property
    def organisation_id(self) -> str:
        """The organisation whose invoices alone are shown; empty if that isn't restricted."""
        if self.contact is not None:
            return self.contact.customer.organisation_id
        return self.entrance.organisation_id if self.entrance else ""

    @property
    def reader_id(self) -> str:
        """The id of the user who is signed in, whose limits count."""
        return self.signed_in.id

    @property
    def context(self) -> dict[str, object]:
        """The entries that each template needs for the addresses of the reader's pages."""
        return {"viewing_as": self.contact, "entrance": self.entrance}

    @property
    def invoices(self) -> QuerySet[Invoice]:
        """The invoices that the reader may see."""
        return self._within(invoices_for_contact(self.user))

    @property
    def listed_invoices(self) -> QuerySet[Invoice]:
        """The same invoices, in the form for a list of them."""
        return self._within(listed_invoices_for_contact(self.user))

    @property
    def customers(self) -> QuerySet[Customer]:
        """The customers whose invoices those are."""
        return self._within(customers_for_contact(self.user))

    @property
    def sources(self) -> QuerySet[SyncSource]:
        """The syncs that keep those invoices as the billing systems have them."""
        return sources_of_contact(self.user, organisation_id=self.organisation_id)

    def _within(self, rows: QuerySet[_Row]) -> QuerySet[_Row]:
        """Return those of *rows* that are of the one organisation, if there is one."""
        within = self.organisation_id
        return rows.filter(organisation_id=within) if within else rows

    def invoice(self, invoice_id: str) -> Invoice:
        """Return one of the invoices; raise Http404 if it isn't among them."""
        return only_invoice(self.invoices, invoice_id)

    def document(self, invoice: Invoice, *, download: bool = False) -> InvoiceDocument:
        """Return the document of *invoice*, as a run of the right kind."""
        return InvoiceDocument(
            click=Click(invoice=invoice, user=self.user),
            kind=self._kind(download=download),
            reader_id=self.reader_id,
            held_for=self.holder(invoice),
        )

    def place(self, invoice: Invoice) -> DocumentPlace:
        """Return the page of *invoice*, where its document is shown."""
        return DocumentPlace(
            reader_id=self.reader_id,
            shown_with=lambda: {
                "invoice": invoice,
                "organisation": invoice.organisation,
                "address": self.address("invoice", invoice.id),
                **self.context,
            },
        )

    def statement(
        self, customer_id: str, period: StatementPeriod, *, download: bool = False
    ) -> StatementVisit:
        """Return the visit to the statement that a source makes for one of the customers.

        Raises:
            Http404: if it isn't one of theirs.
        """
        customer = only_customer(self.customers, customer_id)
        click = StatementClick(customer=customer, period=period, user=self.user)
        return StatementVisit(
            wanted=SourceStatement(
                click=click,
                kind=self._kind(download=download),
                reader_id=self.reader_id,
                shared_by=f"as:{self.contact.id}" if self.contact else "",
            ),
            address=self.address("source-statement", customer.id, period),
            own=f"{self.address('statement')}?{query_of(click)}",
            context=lambda: self.context,
        )

    def _kind(self, *, download: bool) -> RunKind:
        if self.contact is not None:
            return RunKind.VIEW_AS
        return RunKind.DOWNLOAD if download else RunKind.VIEW

    def holder(self, invoice: Invoice) -> Holder:
        """Return the holder of the documents of *invoice* that were fetched for this reader.

        Every member who may look as the contact may see them, so no particular member is named.
        """
        if self.contact is None:
            return holder_of(invoice, self.user.id)
        return Holder(
            user_id="",
            subject=f"invoice:{invoice.id}:as:{self.contact.id}",
            organisation_id=invoice.organisation_id,
        )

    def address(self, name: str, *arguments: object) -> str:
        """Return the address of a page for this reader."""
        if self.entrance is not None:
            return self.entrance.address(name, *arguments)
        if self.contact is None:
            return reverse(name, args=arguments)
        return reverse(f"as:{name}", args=[self.contact.id, *arguments])


def reader_of(
    request: HttpRequest,
    *,
    contact_id: str = "",
    entrance_kind: str = "",
    organisation_id: str = "",
) -> Reader:
    """Return the reader of *request*: as the contact of *contact_id*, or at an entrance.

    Raises:
        Http404: if there is no such contact in an organisation of theirs.
        PermissionDenied: if their role there may not try integrations either.
    """
    signed_in = user_of(request)
    if entrance_kind:
        entrance = Entrance(kind=entrance_kind, organisation_id=organisation_id)
        return Reader(user=signed_in, signed_in=signed_in, entrance=entrance)
    if not contact_id:
        return Reader(user=signed_in, signed_in=signed_in)
    contact = contact_to_view_as(signed_in, contact_id)
    log.info("view-as", user=signed_in.id, contact=contact.id, page=request.path)
    return Reader(user=contact.user, signed_in=signed_in, contact=contact)
