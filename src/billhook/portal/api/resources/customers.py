"""Customers."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from billhook.portal.api.access import hold
from billhook.portal.api.answers import nothing, require_match, shown
from billhook.portal.api.calling_key import key_of
from billhook.portal.api.fields import ApiFields, Locale, ShownFields, ShownMoment, TextOf, example
from billhook.portal.api.lists import ApiPage, ChangesQuery, changes_shown, page_shown
from billhook.portal.api.problems import ApiProblem
from billhook.portal.api.resources.owned import keep_from_integration, owner_of
from billhook.portal.api.scope import NeedsScope
from billhook.portal.customers import access, services
from billhook.portal.customers.models import Customer
from billhook.portal.fields.problem import FieldProblem

TAG: Final = "Customers"
router: Final = Router()
_READ, _WRITE = NeedsScope("customers:read"), NeedsScope("customers:write")
_EXAMPLE: Final = {"number": "C-100", "name": "Acme Corp.", "locale": "en-GB"}


class CustomerShown(ShownFields):
    """A customer."""

    model_config = example(
        {
            "id": "7x2k9d4mq1zt",
            **_EXAMPLE,
            "integration_id": None,
            "created_at": "2026-03-31T09:30:00Z",
            "changed_at": "2026-03-31T09:30:00Z",
        }
    )

    id: str
    number: str
    name: str
    locale: str
    integration_id: Annotated[
        str | None, Field(description="The integration that it comes from, and is changed in.")
    ]
    created_at: ShownMoment
    changed_at: ShownMoment

    @classmethod
    def of(cls, row: Customer) -> CustomerShown:
        """Return the fields of *row*."""
        return cls(
            id=row.id,
            number=row.number,
            name=row.name,
            locale=row.locale,
            integration_id=row.integration_id,
            created_at=row.created_at,
            changed_at=row.changed_at,
        )


class CustomerNew(ApiFields):
    """A new customer."""

    model_config = example(_EXAMPLE, is_request=True)

    number: Annotated[str, TextOf(Customer, "number")]
    name: Annotated[str, TextOf(Customer, "name")]
    locale: Locale = ""


class CustomerChange(ApiFields):
    """Changed fields of a customer. Those that are missing, or null, stay as they are."""

    model_config = example({"name": "Acme Corporation"}, is_request=True)

    number: Annotated[str, TextOf(Customer, "number")] | None = None
    name: Annotated[str, TextOf(Customer, "name")] | None = None
    locale: Locale | None = None


class CustomerQuery(ChangesQuery):
    """The parameters of the list."""

    search: Annotated[
        str, Field(max_length=100, description="A part of the name or the number.")
    ] = ""


@router.get("/customers", auth=_READ, response=ApiPage[CustomerShown])
def list_customers(request: HttpRequest, query: Query[CustomerQuery]) -> HttpResponse:
    """List customers, by name."""
    member = key_of(request).member
    changes = partial(access.customers_changed, member)
    found = access.customers_found(member, query.search.strip())
    return changes_shown(changes, query, CustomerShown.of) or page_shown(
        found, access.BY_NAME, query, CustomerShown.of
    )


@router.post("/customers", auth=_WRITE, response={201: CustomerShown})
def create_customer(request: HttpRequest, customer: CustomerNew) -> HttpResponse:
    """Create a customer."""
    try:
        made = services.save_customer(
            organisation=key_of(request).organisation, **customer.model_dump()
        )
    except FieldProblem as problem:
        raise ApiProblem("already-exists", problem.message) from None
    return shown(CustomerShown.of(made), status=201, location=f"/api/v1/customers/{made.id}")


@router.get("/customers/{customer_id}", auth=_READ, response=CustomerShown)
def read_customer(request: HttpRequest, customer_id: str) -> HttpResponse:
    """Return a customer."""
    return shown(CustomerShown.of(_found(request, customer_id)))


@router.patch("/customers/{customer_id}", auth=_WRITE, response=CustomerShown)
def change_customer(
    request: HttpRequest, customer_id: str, customer: CustomerChange
) -> HttpResponse:
    """Change a customer. One that comes from an integration is changed in its system."""
    row = _to_change(request, customer_id)
    after = {"number": row.number, "name": row.name, "locale": row.locale}
    after |= customer.model_dump(exclude_none=True)
    try:
        row = services.save_customer(
            organisation=key_of(request).organisation, customer=row, **after
        )
    except FieldProblem as problem:
        raise ApiProblem("already-exists", problem.message) from None
    return shown(CustomerShown.of(row))


@router.delete("/customers/{customer_id}", auth=_WRITE, response={204: None})
def remove_customer(request: HttpRequest, customer_id: str) -> HttpResponse:
    """Remove a customer without invoices, and its contacts with it."""
    row = _to_change(request, customer_id)
    try:
        services.remove_customer(customer=row)
    except FieldProblem as problem:
        raise ApiProblem("has-invoices", problem.message) from None
    return nothing()


def _found(request: HttpRequest, customer_id: str) -> Customer:
    return access.customer_for_member(key_of(request).member, customer_id)


def _to_change(request: HttpRequest, customer_id: str) -> Customer:
    hold(Customer, customer_id)
    row = _found(request, customer_id)
    require_match(request, CustomerShown.of(row))
    if owner_of(key_of(request), row.integration_id):
        raise keep_from_integration(f"Customer {row.number}")
    return row
