"""Contacts: the people who sign in to see a customer's invoices."""

from __future__ import annotations

from typing import Annotated, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field

from billhook.portal.accounts.models import User
from billhook.portal.api.access import hold
from billhook.portal.api.answers import nothing, require_match, shown
from billhook.portal.api.calling_key import key_of
from billhook.portal.api.fields import (
    ApiFields,
    Email,
    IdText,
    ShownFields,
    ShownMoment,
    TextOf,
    example,
)
from billhook.portal.api.lists import ApiPage, PageQuery, page_shown
from billhook.portal.api.problems import ApiProblem, invalid
from billhook.portal.api.scope import NeedsScope
from billhook.portal.backoffice.invitations import MOST_A_DAY, mail_contact
from billhook.portal.customers import access, services
from billhook.portal.customers.models import Contact, Customer
from billhook.portal.fields.problem import FieldProblem
from billhook.portal.mail.services import withdraw_mail
from billhook.portal.paging.order import Order

TAG: Final = "Contacts"
router: Final = Router()
_READ, _WRITE = NeedsScope("contacts:read"), NeedsScope("contacts:write")
_A_DAY: Final = "86400"
"""Seconds."""
_BY_ID: Final = Order(name="id", fields=("id",))


class ContactShown(ShownFields):
    """A person, and the customer whose invoices they see."""

    model_config = example(
        {
            "id": "9m2k7d4xq1zt",
            "customer_id": "7x2k9d4mq1zt",
            "email": "dana@acme.example",
            "name": "Dana",
            "integration_id": None,
            "created_at": "2026-03-31T09:30:00Z",
        }
    )

    id: str
    customer_id: str
    email: str
    name: str
    integration_id: Annotated[str | None, Field(description="The integration it comes from.")]
    created_at: ShownMoment

    @classmethod
    def of(cls, row: Contact) -> ContactShown:
        """Return the fields of *row*."""
        return cls(
            id=row.id,
            customer_id=row.customer_id,
            email=row.user.email,
            name=row.user.name,
            integration_id=row.integration_id,
            created_at=row.created_at,
        )


class ContactNew(ApiFields):
    """A person who may see the invoices of a customer."""

    model_config = example(
        {
            "customer_id": "7x2k9d4mq1zt",
            "email": "dana@acme.example",
            "name": "Dana",
            "send_invitation": True,
        },
        is_request=True,
    )

    customer_id: IdText
    email: Email
    name: Annotated[str, TextOf(User, "name", least=0)] = ""
    send_invitation: Annotated[
        bool,
        Field(
            description="Whether a mail explains to them how to sign in. An address gets at most "
            f"{MOST_A_DAY} a day; beyond that, the call changes nothing (`too-many-invitations`)."
        ),
    ] = False


class ContactQuery(PageQuery):
    """The parameters of the list."""

    customer_id: Annotated[str, Field(max_length=40, description="Only of this customer.")] = ""
    email: Annotated[str, Field(max_length=254, description="Only with this address.")] = ""


@router.get("/contacts", auth=_READ, response=ApiPage[ContactShown])
def list_contacts(request: HttpRequest, query: Query[ContactQuery]) -> HttpResponse:
    """List contacts."""
    found = access.contacts_found(
        key_of(request).member, customer_id=query.customer_id, email=query.email.strip().lower()
    )
    return page_shown(found, _BY_ID, query, ContactShown.of)


@router.post("/contacts", auth=_WRITE, response={201: ContactShown})
def create_contact(request: HttpRequest, contact: ContactNew) -> HttpResponse:
    """Let a person see the invoices of a customer. They sign in with a code."""
    customer = _customer(request, contact.customer_id)
    try:
        made = services.invite_contact(customer=customer, email=contact.email, name=contact.name)
    except FieldProblem as problem:
        raise ApiProblem("already-exists", problem.message) from None
    if contact.send_invitation and mail_contact(made) is None:
        raise ApiProblem(
            "too-many-invitations",
            f"Nothing was changed: this address has had {MOST_A_DAY} invitations in the last day. "
            "Leave send_invitation out, or call again tomorrow.",
            headers={"Retry-After": _A_DAY},
        )
    return shown(ContactShown.of(made), status=201, location=f"/api/v1/contacts/{made.id}")


@router.get("/contacts/{contact_id}", auth=_READ, response=ContactShown)
def read_contact(request: HttpRequest, contact_id: str) -> HttpResponse:
    """Return a contact."""
    return shown(ContactShown.of(access.contact_for_member(key_of(request).member, contact_id)))


@router.delete("/contacts/{contact_id}", auth=_WRITE, response={204: None})
def remove_contact(request: HttpRequest, contact_id: str) -> HttpResponse:
    """End a person's access to a customer's invoices, at once."""
    hold(Contact, contact_id)
    row = access.contact_for_member(key_of(request).member, contact_id)
    require_match(request, ContactShown.of(row))
    services.remove_contact(contact=row)
    withdraw_mail(user=row.user, organisation=key_of(request).organisation)
    return nothing()


def _customer(request: HttpRequest, customer_id: str) -> Customer:
    found = access.customers_by_id(key_of(request).organisation, [customer_id])
    if customer_id not in found:
        raise invalid("customer_id", "There is no customer with this id. Create it first.")
    return found[customer_id]
