"""API keys."""

from __future__ import annotations

from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from ninja import Query, Router
from pydantic import Field

from billhook.portal.api.answers import nothing, require_match, shown
from billhook.portal.api.calling_key import CallingKey, key_of
from billhook.portal.api.fields import ApiFields, Moment, ShownFields, ShownMoment, TextOf, example
from billhook.portal.api.lists import ApiPage, PageQuery, page_shown
from billhook.portal.api.problems import invalid
from billhook.portal.api.scope import NeedsScope
from billhook.portal.fields.key_scopes import SCOPES, allows, scopes_from_text
from billhook.portal.integrations import access, services
from billhook.portal.integrations.models import ApiKey

TAG: Final = "API keys"
router: Final = Router()
_READ, _WRITE = NeedsScope("keys:read"), NeedsScope("keys:write")
_SHOWN_EXAMPLE: Final = {
    "id": "7x2k9d4mq1zt",
    "name": "Web shop",
    "hint": "bhk_…Ab3d",
    "scopes": ["run", "invoices:read"],
    "expires_at": "2027-03-31T00:00:00Z",
    "created_at": "2026-03-31T09:30:00Z",
    "last_used_at": None,
    "revoked_at": None,
}


class KeyShown(ShownFields):
    """An API key, without its value."""

    model_config = example(_SHOWN_EXAMPLE)

    id: str
    name: str
    hint: Annotated[str, Field(description="The beginning and the end of its value.")]
    scopes: list[str]
    expires_at: ShownMoment | None
    created_at: ShownMoment
    last_used_at: ShownMoment | None
    revoked_at: ShownMoment | None

    @classmethod
    def of(cls, row: ApiKey) -> KeyShown:
        """Return the fields of *row*."""
        return cls(**_fields_of(row))


class KeyMade(KeyShown):
    """A new API key, with its value: this is the only time that it is shown."""

    model_config = example({**_SHOWN_EXAMPLE, "key": "bhk_the-value-of-the-key"})

    key: str


class KeyNew(ApiFields):
    """A new API key. It can't do more, or work longer, than the one that makes it."""

    model_config = example(
        {
            "name": "Web shop",
            "scopes": ["run", "invoices:read"],
            "expires_at": "2027-03-31T00:00:00Z",
        },
        is_request=True,
    )

    name: Annotated[str, TextOf(ApiKey, "name")]
    scopes: Annotated[
        list[Annotated[str, Field(json_schema_extra={"enum": list(SCOPES)})]],
        Field(min_length=1, max_length=len(SCOPES)),
    ]
    expires_at: Moment | None = None


@router.get("/keys", auth=_READ, response=ApiPage[KeyShown])
def list_keys(request: HttpRequest, query: Query[PageQuery]) -> HttpResponse:
    """List the organisation's API keys, newest first; revoked ones too."""
    rows = access.api_keys_for_member(key_of(request).member)
    return page_shown(rows, access.NEWEST_KEYS, query, KeyShown.of)


@router.post("/keys", auth=_WRITE, response={201: KeyMade})
def create_key(request: HttpRequest, key: KeyNew) -> HttpResponse:
    """Create an API key. Its value is in this response, and never shown again."""
    caller = key_of(request)
    _check(caller, key)
    made = services.create_api_key(
        organisation=caller.organisation,
        name=key.name,
        user=None,
        scopes=key.scopes,
        expires_at=key.expires_at,
    )
    row = access.api_key_for_member(caller.member, made.row.id)
    fields = KeyMade(**_fields_of(row), key=made.value.reveal())
    return shown(fields, status=201, location=f"/api/v1/keys/{row.id}", with_etag=False)


@router.get("/keys/{key_id}", auth=_READ, response=KeyShown)
def read_key(request: HttpRequest, key_id: str) -> HttpResponse:
    """Return an API key, without its value."""
    return shown(KeyShown.of(_found(request, key_id)))


@router.delete("/keys/{key_id}", auth=_WRITE, response={204: None})
def revoke_key(request: HttpRequest, key_id: str) -> HttpResponse:
    """Revoke an API key, for good. It is refused everywhere within two seconds."""
    row = _found(request, key_id)
    require_match(request, KeyShown.of(row))
    services.revoke_api_key(key=row)
    return nothing()


def _found(request: HttpRequest, key_id: str) -> ApiKey:
    return access.api_key_for_member(key_of(request).member, key_id)


def _fields_of(row: ApiKey) -> dict[str, Any]:
    names = set(KeyShown.model_fields) - {"scopes"}
    held = scopes_from_text(row.scopes)
    scopes = [name for name in SCOPES if name in held]
    return {**{name: getattr(row, name) for name in names}, "scopes": scopes}


def _check(caller: CallingKey, key: KeyNew) -> None:
    for scope in key.scopes:
        if scope not in SCOPES:
            raise invalid("scopes", f"There is no scope {scope}. There are: {', '.join(SCOPES)}.")
        if not allows(caller.scopes, scope):
            raise invalid(
                "scopes", f"This key has no scope {scope}, so it can't make a key that has it."
            )
    if key.expires_at is not None and key.expires_at <= timezone.now():
        raise invalid("expires_at", "This time is over. Choose a later one, or leave it out.")
    last = caller.row.expires_at
    if last is not None and (key.expires_at is None or key.expires_at > last):
        raise invalid(
            "expires_at", "A key can't work longer than the one that makes it. Choose an end."
        )
