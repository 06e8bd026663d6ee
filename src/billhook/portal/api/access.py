"""The only way to the rows of the API's own: keys that call, and calls that may be repeated."""

from __future__ import annotations

from django.db.models import Model

from billhook.portal.api.models import IdempotentCall
from billhook.portal.integrations.models import ApiKey
from billhook.portal.integrations.services import digest_of_key


def key_of_value(value: str) -> ApiKey | None:
    """Return the key with this value, unless it is revoked: for the one who sent it."""
    keys = ApiKey.objects.select_related("organisation")
    return keys.filter(digest=digest_of_key(value), revoked_at=None).first()


def call_of_key(key: ApiKey, text: str) -> IdempotentCall | None:
    """Return the call that *key* made with this Idempotency-Key."""
    return IdempotentCall.objects.filter(api_key=key, text=text).first()


def hold(model: type[Model], key: str) -> None:
    """Hold the row with *key*, if there is one, until the transaction ends; then read it by a door.

    So nobody changes it between the comparison with If-Match and the change.
    """
    rows = model._default_manager.select_for_update()  # noqa: SLF001 - any model's manager
    list(rows.filter(pk=key).values_list("pk"))
