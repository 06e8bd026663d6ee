"""Invoices: their records, saved one by one or many at once."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from billhook.engine.errors import Problem
from billhook.portal.api.access import hold
from billhook.portal.api.answers import nothing, require_absence, require_match, shown
from billhook.portal.api.calling_key import key_of
from billhook.portal.api.lists import ApiPage, ChangesQuery, changes_shown, page_shown
from billhook.portal.api.problems import ApiProblem, invalid
from billhook.portal.api.resources.invoice_fields import (
    InvoiceChange,
    InvoiceFields,
    InvoiceShown,
    RowResult,
    RowResults,
    SentInvoice,
    SentInvoices,
)
from billhook.portal.api.resources.invoice_upsert import save_row, save_rows
from billhook.portal.api.resources.owned import keep_from_integration, owner_of
from billhook.portal.api.scope import NeedsScope
from billhook.portal.customers.access import customers_by_id
from billhook.portal.customers.models import Customer
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.imports.invoices.plan import facts_of
from billhook.portal.invoices import access, services
from billhook.portal.invoices.models import Invoice, InvoiceType, Status
from billhook.portal.invoices.services import InvoiceFacts, open_by_default
from billhook.portal.paging.order import Order

TAG: Final = "Invoices"
router: Final = Router()
_READ, _WRITE = NeedsScope("invoices:read"), NeedsScope("invoices:write")
_FOUND: Final = frozenset({"changed", "unchanged"})
"""The results of a row whose invoice was there."""
_NEWEST_FIRST: Final = Order(
    name="newest", fields=("issued_on", "number", "id"), is_descending=True
)


class InvoiceQuery(ChangesQuery):
    """The parameters of the list."""

    number: Annotated[str, Field(max_length=100, description="Only with this number.")] = ""
    customer_id: Annotated[str, Field(max_length=40, description="Only of this customer.")] = ""


@router.get("/invoices", auth=_READ, response=ApiPage[InvoiceShown])
def list_invoices(request: HttpRequest, query: Query[InvoiceQuery]) -> HttpResponse:
    """List invoices, newest first; drafts too. With `changed_since`, hidden ones too."""
    member = key_of(request).member
    changes = partial(access.invoices_changed, member)
    found = access.invoices_found(member, number=query.number, customer_id=query.customer_id)
    return changes_shown(changes, query, InvoiceShown.of) or page_shown(
        found, _NEWEST_FIRST, query, InvoiceShown.of
    )


@router.post("/invoices", auth=_WRITE, response={201: InvoiceShown})
def create_invoice(request: HttpRequest, invoice: SentInvoice) -> HttpResponse:
    """Create an invoice."""
    organisation = key_of(request).organisation
    number = invoice.number or invoice.source_id or ""
    by_source = access.invoices_by_source(organisation, [invoice.source_id or ""])
    if by_source or any(access.invoices_numbered(organisation, [number])):
        raise _exists(number)
    result = save_row(organisation=organisation, row=invoice)
    if result.result in _FOUND:  # another call has created it meanwhile
        raise _exists(number)
    return _saved(request, result)


@router.post("/invoices/bulk", auth=_WRITE, response=RowResults)
def save_invoices(request: HttpRequest, invoices: SentInvoices) -> HttpResponse:
    """Create and change up to 1,000 invoices, each found by its id in your system or its number."""
    results = save_rows(organisation=key_of(request).organisation, rows=invoices.rows)
    return shown(results, with_etag=False)


@router.put(
    "/invoices/by-source-id/{source_id}",
    auth=_WRITE,
    response={200: InvoiceShown, 201: InvoiceShown},
)
def save_invoice(request: HttpRequest, source_id: str, invoice: InvoiceFields) -> HttpResponse:
    """Create or change the invoice with this id in your system.

    Without such an invoice, the one with the number is meant, if it has no id yet. A number that is
    missing is the same as the id.
    """
    organisation = key_of(request).organisation
    known = access.invoices_by_source(organisation, [source_id]).get(source_id, [])
    if known:
        hold(Invoice, known[0].id)
        require_match(request, InvoiceShown.of(_found(request, known[0].id)))
    else:
        require_absence(request)
    row = SentInvoice.model_validate({"source_id": source_id}).model_copy(
        update=dict(invoice.model_copy())
    )
    result = save_row(organisation=organisation, row=row)
    if not known and result.id is not None and result.result in _FOUND:  # by its number
        require_match(request, InvoiceShown.of(_found(request, result.id)))
    return _saved(request, result)


@router.get("/invoices/{invoice_id}", auth=_READ, response=InvoiceShown)
def read_invoice(request: HttpRequest, invoice_id: str) -> HttpResponse:
    """Return an invoice."""
    return shown(InvoiceShown.of(_found(request, invoice_id)))


@router.patch("/invoices/{invoice_id}", auth=_WRITE, response=InvoiceShown)
def change_invoice(request: HttpRequest, invoice_id: str, invoice: InvoiceChange) -> HttpResponse:
    """Change an invoice. One that comes from an integration is changed in its system."""
    row = _to_change(request, invoice_id)
    given = invoice.model_dump(exclude_unset=True)
    customer = _customer(request, given.pop("customer_id", None)) or row.customer
    facts = _changed(facts_of(row), given)
    try:
        services.save_invoice(customer=customer, facts=facts, invoice=row)
    except FieldProblem as problem:
        if problem.field == "number":
            raise ApiProblem("already-exists", problem.message) from None
        raise
    return shown(InvoiceShown.of(_found(request, invoice_id)))


@router.delete("/invoices/{invoice_id}", auth=_WRITE, response={204: None})
def remove_invoice(request: HttpRequest, invoice_id: str) -> HttpResponse:
    """Remove an invoice's record. The document in your system stays."""
    services.remove_invoice(invoice=_to_change(request, invoice_id))
    return nothing()


def _exists(number: str) -> ApiProblem:
    message = f"Invoice {number} already exists. Invoice numbers must be unique."
    return ApiProblem("already-exists", message)


def _found(request: HttpRequest, invoice_id: str) -> Invoice:
    return access.invoice_for_member(key_of(request).member, invoice_id)


def _to_change(request: HttpRequest, invoice_id: str) -> Invoice:
    hold(Invoice, invoice_id)
    row = _found(request, invoice_id)
    require_match(request, InvoiceShown.of(row))
    if owner_of(key_of(request), row.integration_id):
        raise keep_from_integration(f"Invoice {row.number}")
    return row


def _saved(request: HttpRequest, result: RowResult) -> HttpResponse:
    if result.id is None:
        problems = [
            Problem(code=each.code, where=each.where, message=each.message)
            for each in result.problems
        ]
        message = " ".join(problem.message for problem in problems)
        raise ApiProblem("invalid", message, problems=problems)
    is_new = result.result == "created"
    return shown(
        InvoiceShown.of(_found(request, result.id)),
        status=201 if is_new else 200,
        location=f"/api/v1/invoices/{result.id}" if is_new else "",
    )


def _customer(request: HttpRequest, customer_id: str | None) -> Customer | None:
    if customer_id is None:
        return None
    found = customers_by_id(key_of(request).organisation, [customer_id])
    if customer_id not in found:
        raise invalid("customer_id", "There is no customer with this id. Create it first.")
    return found[customer_id]


def _changed(before: InvoiceFacts, given: dict[str, Any]) -> InvoiceFacts:
    """Return *before* with the facts in *given*. Only for the due date, null has a meaning."""
    new = {name: value for name, value in given.items() if value is not None or name == "due_on"}
    if "status" in new:
        new["status"] = Status(new["status"])
    if "type" in new:
        new["type"] = InvoiceType(new["type"])
    after = replace(before, **new)
    is_as_before = (before.amount, before.status) == (after.amount, after.status)
    if "open_amount" in new or is_as_before or after.status is Status.PART_PAID:
        return after
    return replace(after, open_amount=open_by_default(after.amount, after.status))
