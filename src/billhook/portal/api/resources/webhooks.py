"""Webhooks: addresses that get events, and the log of what was delivered to each."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router
from pydantic import Field, WithJsonSchema

from billhook.portal.api.answers import nothing, require_match, shown
from billhook.portal.api.calling_key import key_of
from billhook.portal.api.fields import (
    ApiFields,
    Moment,
    ShownFields,
    ShownMoment,
    TextOf,
    example,
)
from billhook.portal.api.lists import ApiPage, PageQuery, page_shown
from billhook.portal.api.problems import ApiProblem
from billhook.portal.api.scope import NeedsScope
from billhook.portal.events import access, services
from billhook.portal.events.models import (
    DeliveryState,
    EventKind,
    WebhookDelivery,
    WebhookEndpoint,
)
from billhook.portal.paging.order import Order

TAG: Final = "Webhooks"
router: Final = Router()
_READ, _WRITE = NeedsScope("webhooks:read"), NeedsScope("webhooks:write")
_OLDEST_FIRST: Final = Order(name="oldest", fields=("created_at", "id"))
_SHOWN: Final = {
    "id": "7x2k9d4mq1zt",
    "url": "https://example.com/webhooks",
    "events": ["invoice.viewed", "document.failing"],
    "paused": False,
    "failing_since": None,
    "disabled_at": None,
    "created_at": "2026-03-31T09:30:00Z",
}
_EVENT: Final = {"type": "string", "enum": EventKind.values}
_Address = Annotated[str, TextOf(WebhookEndpoint, "url")]
_Events = Annotated[
    list[Annotated[EventKind, Field(strict=False), WithJsonSchema(_EVENT)]],
    Field(min_length=1, max_length=len(EventKind), description="The types of events that it gets."),
]


class WebhookShown(ShownFields):
    """A webhook: an address that gets events. Its secret isn't shown."""

    model_config = example(_SHOWN)

    id: str
    url: str
    events: list[str]
    paused: bool
    failing_since: Annotated[
        ShownMoment | None, Field(description="The first failure since the last success.")
    ]
    disabled_at: Annotated[
        ShownMoment | None,
        Field(description="When it was switched off after days of failures; `paused` resumes it."),
    ]
    created_at: ShownMoment

    @classmethod
    def of(cls, row: WebhookEndpoint) -> WebhookShown:
        """Return the fields of *row*."""
        return cls(**_fields_of(row))


class WebhookMade(WebhookShown):
    """A webhook with its new secret: this is the only time that it is shown."""

    model_config = example({**_SHOWN, "secret": "whsec_the-secret-of-the-webhook"})

    secret: Annotated[str, Field(description="The key of its signatures.")]


class WebhookNew(ApiFields):
    """A new webhook."""

    model_config = example(
        {name: _SHOWN[name] for name in ("url", "events")},
        is_request=True,
    )

    url: _Address
    events: _Events


class WebhookChange(ApiFields):
    """Changed fields of a webhook. Those that are missing, or null, stay as they are."""

    model_config = example({"paused": True}, is_request=True)

    url: _Address | None = None
    events: _Events | None = None
    paused: Annotated[
        bool | None,
        Field(description="`true`: events wait. `false`: they are delivered again."),
    ] = None


class DeliveryShown(ShownFields):
    """An event on its way to a webhook."""

    model_config = example(
        {
            "event_id": "9m2k7d4xq1zt",
            "type": "contact.signed_in",
            "data": {
                "user_id": "2m2k9d4xq1zt",
                "email": "dana@acme.example",
                "customer_ids": ["5d2k9x4mq1zt"],
            },
            "happened_at": "2026-03-31T09:30:00Z",
            "state": "waiting",
            "attempts": 1,
            "due_at": "2026-03-31T09:30:06Z",
            "status": 503,
            "reason": "The receiver responded with status 503.",
            "sent_at": "2026-03-31T09:30:01Z",
        }
    )

    event_id: Annotated[str, Field(description="The `webhook-id` that the receiver gets.")]
    type: str
    data: dict[str, Any]
    happened_at: ShownMoment
    state: Annotated[str, Field(description="`waiting`, `delivered` or `failed`.")]
    attempts: int
    due_at: Annotated[
        ShownMoment | None, Field(description="The next attempt; null if there is none.")
    ]
    status: Annotated[int | None, Field(description="The status of the last response.")]
    reason: Annotated[str, Field(description="The reason for the last failure, in a sentence.")]
    sent_at: Annotated[ShownMoment | None, Field(description="The last attempt.")]

    @classmethod
    def of(cls, row: WebhookDelivery) -> DeliveryShown:
        """Return the fields of *row*."""
        same = ("event_id", "state", "attempts", "status", "reason", "sent_at")
        return cls(
            **{name: getattr(row, name) for name in same},
            type=row.event.kind,
            data=row.event.data,
            happened_at=row.event.happened_at,
            due_at=row.due_at if row.state == DeliveryState.WAITING else None,
        )


class DeliveryQuery(PageQuery):
    """The parameters of the list."""

    state: Annotated[
        Literal["", "waiting", "delivered", "failed"], Field(description="Only in this state.")
    ] = ""


class ReplaySince(ApiFields):
    """The time from which events are sent again."""

    model_config = example({"since": "2026-03-31T09:30:00Z"}, is_request=True)

    since: Moment


class ReplayCount(ShownFields):
    """The number of events that are sent again."""

    model_config = example({"count": 12})

    count: int


@router.get("/webhooks", auth=_READ, response=ApiPage[WebhookShown])
def list_webhooks(request: HttpRequest, query: Query[PageQuery]) -> HttpResponse:
    """List webhooks, oldest first."""
    rows = access.endpoints_for_member(key_of(request).member)
    return page_shown(rows, _OLDEST_FIRST, query, WebhookShown.of)


@router.post("/webhooks", auth=_WRITE, response={201: WebhookMade})
def create_webhook(request: HttpRequest, webhook: WebhookNew) -> HttpResponse:
    """Create a webhook. Its secret is in this response, and never shown again."""
    made = services.create_endpoint(
        organisation=key_of(request).organisation, url=webhook.url, kinds=webhook.events, user=None
    )
    return _with_secret(made, status=201, location=f"/api/v1/webhooks/{made.row.id}")


@router.get("/webhooks/{webhook_id}", auth=_READ, response=WebhookShown)
def read_webhook(request: HttpRequest, webhook_id: str) -> HttpResponse:
    """Return a webhook."""
    return shown(WebhookShown.of(_found(request, webhook_id)))


@router.patch("/webhooks/{webhook_id}", auth=_WRITE, response=WebhookShown)
def change_webhook(request: HttpRequest, webhook_id: str, webhook: WebhookChange) -> HttpResponse:
    """Change a webhook, pause it, or resume it: then what waits is delivered first."""
    row = _to_change(request, webhook_id)
    url, kinds = webhook.url or row.url, webhook.events or row.kinds
    if (url, sorted(kinds)) != (row.url, row.kinds):
        services.change_endpoint(endpoint=row, url=url, kinds=kinds)
    if webhook.paused:
        services.pause_endpoint(endpoint=row)
    elif webhook.paused is not None:
        services.resume_endpoint(endpoint=row)
    return shown(WebhookShown.of(_found(request, webhook_id)))


@router.delete("/webhooks/{webhook_id}", auth=_WRITE, response={204: None})
def remove_webhook(request: HttpRequest, webhook_id: str) -> HttpResponse:
    """Remove a webhook and its log. It gets no more events."""
    services.remove_endpoint(endpoint=_to_change(request, webhook_id))
    return nothing()


@router.post("/webhooks/{webhook_id}/secret", auth=_WRITE, response=WebhookMade)
def replace_webhook_secret(request: HttpRequest, webhook_id: str) -> HttpResponse:
    """Give a webhook a new secret, which is in this response. The old one signs, too, for a day."""
    return _with_secret(services.rotate_secret(endpoint=_to_change(request, webhook_id)))


@router.post("/webhooks/{webhook_id}/test", auth=_WRITE, response={202: DeliveryShown})
def send_test_event(request: HttpRequest, webhook_id: str) -> HttpResponse:
    """Send an event `webhook.test`, whatever events the webhook gets.

    One that still waits isn't sent twice. The log of deliveries shows what becomes of it.
    """
    row = _found(request, webhook_id)
    if not row.is_listening:
        raise ApiProblem(
            "not-possible", "The webhook is paused or switched off. Resume it first (`paused`)."
        )
    return _accepted(services.send_test_event(endpoint=row))


@router.post("/webhooks/{webhook_id}/replay", auth=_WRITE, response={202: ReplayCount})
def replay_events(request: HttpRequest, webhook_id: str, replay: ReplaySince) -> HttpResponse:
    """Send all events since a time again, with the same ids: those of the last 30 days."""
    row = _found(request, webhook_id)
    count = services.replay_deliveries(endpoint=row, since=replay.since)
    return shown(ReplayCount(count=count), status=202, with_etag=False)


@router.get("/webhooks/{webhook_id}/deliveries", auth=_READ, response=ApiPage[DeliveryShown])
def list_deliveries(
    request: HttpRequest, webhook_id: str, query: Query[DeliveryQuery]
) -> HttpResponse:
    """List the deliveries to a webhook, newest event first: those of the last 30 days."""
    member, row = key_of(request).member, _found(request, webhook_id)
    found = access.deliveries_for_member(member, row, state=query.state)
    return page_shown(found, access.NEWEST_FIRST, query, DeliveryShown.of)


@router.post(
    "/webhooks/{webhook_id}/deliveries/{event_id}/replay",
    auth=_WRITE,
    response={202: DeliveryShown},
)
def replay_event(request: HttpRequest, webhook_id: str, event_id: str) -> HttpResponse:
    """Send one event again, with the same id."""
    member, row = key_of(request).member, _found(request, webhook_id)
    services.replay_delivery(delivery=access.delivery_for_member(member, row, event_id))
    return _accepted(access.delivery_for_member(member, row, event_id))


def _found(request: HttpRequest, webhook_id: str) -> WebhookEndpoint:
    return access.endpoint_for_member(key_of(request).member, webhook_id)


def _to_change(request: HttpRequest, webhook_id: str) -> WebhookEndpoint:
    services.hold_endpoint(endpoint=_found(request, webhook_id))
    row = _found(request, webhook_id)
    require_match(request, WebhookShown.of(row))
    return row


def _fields_of(row: WebhookEndpoint) -> dict[str, Any]:
    same = ("id", "url", "failing_since", "disabled_at", "created_at")
    return {
        **{name: getattr(row, name) for name in same},
        "events": list(row.kinds),
        "paused": row.is_paused,
    }


def _with_secret(
    made: services.NewSecret, *, status: int = 200, location: str = ""
) -> HttpResponse:
    fields = WebhookMade(**_fields_of(made.row), secret=made.value.reveal())
    return shown(fields, status=status, location=location, with_etag=False)


def _accepted(row: WebhookDelivery) -> HttpResponse:
    return shown(DeliveryShown.of(row), status=202, with_etag=False)
