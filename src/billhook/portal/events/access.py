"""The only way to the rows of events out: each function says who is asking."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from django.utils import timezone

from billhook.portal.customers.models import Contact
from billhook.portal.events.models import (
    TEST,
    DeliveryState,
    EventKind,
    WebhookDelivery,
    WebhookEndpoint,
)
from billhook.portal.invoices.models import Invoice
from billhook.portal.organisations.models import Member
from billhook.portal.paging.order import Order

NEWEST_FIRST: Final = Order(name="newest", fields=("id",), is_descending=True)


def endpoints_for_member(member: Member) -> QuerySet[WebhookEndpoint]:
    """Return the endpoints of the organisation that *member* is of, oldest first."""
    return WebhookEndpoint.objects.filter(organisation_id=member.organisation_id)


def endpoint_for_member(member: Member, endpoint_id: str) -> WebhookEndpoint:
    """Return an endpoint of the organisation that *member* is of, or raise Http404."""
    found = endpoints_for_member(member).filter(id=endpoint_id).first()
    if found is None:
        raise Http404
    return found


def disabled_endpoints(member: Member) -> list[WebhookEndpoint]:
    """Return the endpoints of *member*'s organisation that Billhook has given up."""
    return list(endpoints_for_member(member).filter(disabled_at__isnull=False))


def deliveries_for_member(
    member: Member, endpoint: WebhookEndpoint, *, state: str = ""
) -> QuerySet[WebhookDelivery]:
    """Return the deliveries to *endpoint*, as far as *member* may see them; those in one *state*.

    All of them if it is empty.
    """
    ours = WebhookDelivery.objects.filter(endpoint__organisation_id=member.organisation_id)
    ours = ours.filter(state=state) if state else ours
    return ours.filter(endpoint=endpoint).select_related("event")


def delivery_for_member(
    member: Member, endpoint: WebhookEndpoint, event_id: str
) -> WebhookDelivery:
    """Return the delivery of an event to *endpoint*, or raise Http404."""
    found = deliveries_for_member(member, endpoint).filter(event_id=event_id).first()
    if found is None:
        raise Http404
    return found


def listeners(
    organisation_ids: Collection[str], kinds: Collection[EventKind]
) -> list[WebhookEndpoint]:
    """Return the endpoints of these organisations that get events of one of *kinds*.

    Paused ones too: their deliveries wait. Only those that were given up get none.
    """
    rows = WebhookEndpoint.objects.filter(organisation_id__in=organisation_ids, disabled_at=None)
    return [row for row in rows.select_related("organisation") if set(row.kinds) & set(kinds)]


def endpoint_to_work_on(endpoint_id: str) -> WebhookEndpoint | None:
    """Return an endpoint that listens, for the job that delivers to it."""
    row = WebhookEndpoint.objects.select_related("organisation").filter(id=endpoint_id).first()
    return row if row is not None and row.is_listening else None


def due_deliveries(endpoint: WebhookEndpoint, *, most: int) -> list[WebhookDelivery]:
    """Return the deliveries to *endpoint* whose time has come, for its job."""
    waiting = endpoint.deliveries.filter(state=DeliveryState.WAITING, due_at__lte=timezone.now())
    return list(waiting.select_related("event").order_by("due_at", "id")[:most])


def waiting_test(endpoint: WebhookEndpoint) -> WebhookDelivery | None:
    """Return the delivery of a test event that still waits: for the one who sends another."""
    waiting = endpoint.deliveries.filter(state=DeliveryState.WAITING, event__kind=TEST)
    return waiting.select_related("event").first()


def next_delivery(endpoint: WebhookEndpoint) -> WebhookDelivery | None:
    """Return the delivery to *endpoint* that is due next, for its job."""
    waiting = endpoint.deliveries.filter(state=DeliveryState.WAITING)
    return waiting.order_by("due_at").first()


def shown_invoices(ids: Collection[str]) -> dict[str, dict[str, str]]:
    """Return the facts of these invoices that events show: for the events of their organisation."""
    fields = ("id", "number", "source_id", "customer_id", "customer__number")
    rows = Invoice.objects.filter(id__in=ids).values_list(*fields)
    return {
        id_: {
            "invoice_id": id_,
            "invoice_number": number,
            "source_id": source_id,
            "customer_id": customer_id,
            "customer_number": customer_number,
        }
        for id_, number, source_id, customer_id, customer_number in rows
    }


def organisations_that_hear(user_id: str, kind: EventKind) -> list[str]:
    """Return the organisations whose contact a person is, and whose endpoints get *kind*.

    One contact of theirs is enough for each, so that it doesn't matter how many they are.
    """
    theirs = Contact.objects.filter(
        user_id=user_id, customer__organisation_id=OuterRef("organisation_id")
    )
    rows = WebhookEndpoint.objects.filter(Exists(theirs), disabled_at=None)
    kinds_of = rows.order_by("organisation_id").values_list("organisation_id", "kinds")
    return list(dict.fromkeys(id_ for id_, kinds in kinds_of if kind in kinds))


def customers_of_user(user_id: str, organisation_id: str, *, most: int) -> list[str]:
    """Return the ids of *most* customers of an organisation that a person is a contact of.

    If there are more, any of them: an order would have all of them read.
    """
    rows = Contact.objects.filter(user_id=user_id, customer__organisation_id=organisation_id)
    return sorted(rows.values_list("customer_id", flat=True)[:most])
