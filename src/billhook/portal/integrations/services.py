"""Changes to integrations and API keys. Callers have checked permission with :mod:`access`."""

from __future__ import annotations

import hashlib
import secrets as random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration_file.file import (
    authentication_to_json,
    command_to_json,
    tls_to_json,
)
from billhook.engine.secret import Secret
from billhook.portal.accounts.models import User
from billhook.portal.integrations import secret_uses
from billhook.portal.integrations.crypto import SecretUnreadableError
from billhook.portal.integrations.drafts import CheckedDraft, Draft, SecretEntry, check_draft
from billhook.portal.integrations.models import (
    ApiKey,
    Integration,
    StoredSecret,
    StoredTokens,
)
from billhook.portal.integrations.revisions import announce_change
from billhook.portal.integrations.vault import decrypt_secret, encrypt_secret, key_ring
from billhook.portal.organisations.models import Organisation

API_KEY_PREFIX: Final = "bhk_"
_HINT_LENGTH: Final = 4


class EditedMeanwhile(Exception):
    """Somebody else has saved the integration since this person opened it."""


def create_integration(*, organisation: Organisation, draft: Draft) -> Integration:
    """Create an integration, last in the organisation's order.

    Raises:
        ConfigurationError: with every problem in *draft*; nothing is saved then.
    """
    with transaction.atomic():
        announce_change()
        others = Integration.objects.filter(organisation=organisation)
        last = others.aggregate(last=Max("position"))["last"]
        row = Integration(organisation=organisation, position=0 if last is None else last + 1)
        _write(row, draft)
    return row


def save_integration(*, integration: Integration, draft: Draft, version: int) -> Integration:
    """Save *draft* over *integration*, as it was at *version*.

    Raises:
        ConfigurationError: with every problem in *draft*; nothing is saved then.
        EditedMeanwhile: if somebody else has saved it in the meantime; nothing is saved then.
    """
    with transaction.atomic():
        announce_change()
        row = Integration.objects.filter(id=integration.id, version=version).first()
        if row is None:
            raise EditedMeanwhile
        row.version += 1
        _write(row, draft)
    return row


def check_integration(
    *, organisation: Organisation, integration: Integration | None, draft: Draft
) -> None:
    """Raise ConfigurationError with every problem that would keep *draft* from being saved."""
    row = integration or Integration(organisation=organisation)
    _check(row, draft, _stored_secrets(row))


def _check(row: Integration, draft: Draft, stored: list[StoredSecret]) -> CheckedDraft:
    others = Integration.objects.filter(organisation_id=row.organisation_id).exclude(id=row.id)
    return check_draft(draft, taken=others.values_list("name", flat=True), stored=stored)


def _stored_secrets(row: Integration) -> list[StoredSecret]:
    return list(StoredSecret.objects.filter(integration_id=row.id).select_related("integration"))


def _write(row: Integration, draft: Draft) -> None:
    stored = _stored_secrets(row)
    checked = _check(row, draft, stored)
    row.name = draft.name.strip()
    row.variables = dict(draft.variables)
    row.authentication = (
        authentication_to_json(draft.authentication) if draft.authentication else None
    )
    row.tls = tls_to_json(draft.tls) if draft.tls else None
    row.commands = [command_to_json(config) for config in draft.commands]
    row.preset, row.on_failure, row.keeping = draft.preset, draft.on_failure, draft.keeping
    row.save()
    _write_secrets(row, draft.secrets, stored, checked.uses)
    _drop_moved_tokens(row, checked)


def _drop_moved_tokens(row: Integration, checked: CheckedDraft) -> None:
    """Delete the tokens of *row* if they would go elsewhere now, or if nothing uses them."""
    uses = secret_uses.uses_of_authentication(checked.compiled)
    authentication = checked.compiled.authentication
    for tokens in StoredTokens.objects.filter(integration_id=row.id):
        is_used = authentication is not None and authentication.scheme.keeps_tokens
        if not is_used or not uses <= secret_uses.from_json(tokens.bound_to):
            tokens.delete()


def _write_secrets(
    row: Integration,
    entries: tuple[SecretEntry, ...],
    stored: Iterable[StoredSecret],
    uses: Mapping[str, secret_uses.SecretUses],
) -> None:
    """Make the stored secrets what *entries* say; those that stay as they are aren't touched."""
    before = {secret.id: secret for secret in stored}
    untouched = {entry.stored_id for entry in entries if _stays(entry, before)}
    changed = [
        _new_row(row, entry, before.get(entry.stored_id), uses)
        for entry in entries
        if not _stays(entry, before)
    ]
    row.stored_secrets.exclude(id__in=untouched).delete()
    StoredSecret.objects.bulk_create(changed)


def _stays(entry: SecretEntry, before: Mapping[str, StoredSecret]) -> bool:
    stored = before.get(entry.stored_id)
    return entry.value is None and stored is not None and stored.name == entry.name


def _new_row(
    row: Integration,
    entry: SecretEntry,
    renamed: StoredSecret | None,
    uses: Mapping[str, secret_uses.SecretUses],
) -> StoredSecret:
    if entry.value is None and renamed is not None:
        value, bound_to = _value_of(renamed), renamed.bound_to
    else:
        value = entry.value or Secret("")
        bound_to = secret_uses.to_json(uses.get(entry.name, frozenset()))
    ciphertext = encrypt_secret(value, integration=row, name=entry.name)
    return StoredSecret(integration=row, name=entry.name, ciphertext=ciphertext, bound_to=bound_to)


def _value_of(renamed: StoredSecret) -> Secret:
    try:
        return decrypt_secret(renamed, ring=key_ring())
    except SecretUnreadableError:
        raise ConfigurationError(
            (
                Problem(
                    code="secret-unreadable",
                    where=f"secrets.{renamed.name}",
                    message=f"The stored value of {renamed.name} can no longer be read. "
                    "Type it again.",
                ),
            )
        ) from None


def mark_connected(*, integration: Integration, user: User, uses: secret_uses.SecretUses) -> None:
    """Note that *user* has connected an integration, whose tokens may go to *uses* from now on."""
    with transaction.atomic():
        announce_change()
        StoredTokens.objects.filter(integration_id=integration.id).update(
            bound_to=secret_uses.to_json(uses), connected_at=timezone.now(), connected_by=user
        )
        _count_connection(integration)


def disconnect_integration(*, integration: Integration) -> None:
    """Delete the tokens of an integration. They stay good at the other system until they end."""
    with transaction.atomic():
        announce_change()
        StoredTokens.objects.filter(integration_id=integration.id).delete()
        _count_connection(integration)


def _count_connection(integration: Integration) -> None:
    Integration.objects.filter(id=integration.id).update(connection=F("connection") + 1)


def delete_integration(*, integration: Integration) -> None:
    """Delete an integration with its secrets. Its runs are kept."""
    with transaction.atomic():
        announce_change()
        integration.delete()


def set_enabled(*, integration: Integration, enabled: bool) -> None:
    """Switch an integration on or off. One that is off is used by nobody."""
    with transaction.atomic():
        announce_change()
        Integration.objects.filter(id=integration.id).update(enabled=enabled)


def move_integration(*, integration: Integration, places: int) -> int:
    """Move an integration *places* down (up, if negative) in its order; return its new number.

    VIEW tries the enabled ones that have the command in this order.
    """
    with transaction.atomic():
        announce_change()
        rows = list(Integration.objects.filter(organisation_id=integration.organisation_id))
        old = next(i for i, row in enumerate(rows) if row.id == integration.id)
        new = max(0, min(len(rows) - 1, old + places))
        rows.insert(new, rows.pop(old))
        for position, row in enumerate(rows):
            row.position = position
        Integration.objects.bulk_update(rows, ["position"])
    return new + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """A key just made. ``value`` is shown once, and kept nowhere."""

    row: ApiKey
    value: Secret


def create_api_key(*, organisation: Organisation, name: str, user: User) -> NewApiKey:
    """Make an API key for the gateway."""
    value = API_KEY_PREFIX + random.token_urlsafe(32)
    with transaction.atomic():
        announce_change()
        row = ApiKey.objects.create(
            organisation=organisation,
            name=name.strip(),
            hint=f"{API_KEY_PREFIX}…{value[-_HINT_LENGTH:]}",
            digest=hashlib.sha256(value.encode()).hexdigest(),
            created_by=user,
        )
    return NewApiKey(row=row, value=Secret(value))


def revoke_api_key(*, key: ApiKey) -> None:
    """End a key for good. It is refused everywhere within two seconds."""
    with transaction.atomic():
        announce_change()
        ApiKey.objects.filter(id=key.id, revoked_at=None).update(revoked_at=timezone.now())
