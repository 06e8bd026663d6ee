"""Changes to integrations and API keys. Callers have checked permission with :mod:`access`."""

from __future__ import annotations

import hashlib
import secrets as random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F, Max
from django.utils import timezone

from billhook.engine.config import IntegrationConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration import CompiledIntegration, try_to_compile
from billhook.engine.integration_file.file import (
    authentication_to_json,
    command_to_json,
    tls_to_json,
)
from billhook.engine.secret import Secret
from billhook.portal.accounts.models import User
from billhook.portal.fields.key_scopes import RUN, scopes_to_text
from billhook.portal.integrations.access import IN_ORDER
from billhook.portal.integrations.crypto import SecretUnreadableError
from billhook.portal.integrations.drafts import (
    CheckedDraft,
    Draft,
    SecretEntry,
    check_draft,
    draft_of,
)
from billhook.portal.integrations.models import (
    ApiKey,
    Integration,
    StoredSecret,
    StoredTokens,
)
from billhook.portal.integrations.revisions import announce_change
from billhook.portal.integrations.secret_binding import (
    NOTHING,
    SecretBinding,
    SecretUses,
    commands_of_tokens,
    uses_from_json,
    uses_of_authentication,
    uses_to_json,
)
from billhook.portal.integrations.vault import decrypt_secret, encrypt_secret, key_ring
from billhook.portal.organisations.models import Organisation

API_KEY_PREFIX: Final = "bhk_"
_HINT_LENGTH: Final = 4
_WRITTEN_AT_ONCE: Final = 200


class EditedMeanwhile(Exception):
    """Somebody else has saved the integration since this person opened it."""


def create_integration(*, organisation: Organisation, draft: Draft) -> Integration:
    """Create an integration, last in the organisation's order.

    Raises:
        ConfigurationError: with every problem in *draft*; nothing is saved then.
    """
    row = Integration(organisation=organisation)
    with transaction.atomic():
        _announce(row)
        others = Integration.objects.filter(organisation=organisation)
        last = others.aggregate(last=Max("position"))["last"]
        row.position = 0 if last is None else last + 1
        _write(row, draft)
    return row


def save_integration(
    *, integration: Integration, draft: Draft, version: int, user: User | None = None
) -> Integration:
    """Save *draft* of *user* over *integration*, as it was at *version*.

    Raises:
        ConfigurationError: with every problem in *draft*; nothing is saved then.
        EditedMeanwhile: if somebody else has saved it in the meantime; nothing is saved then.
    """
    with transaction.atomic():
        _announce(integration)
        row = Integration.objects.filter(id=integration.id, version=version).first()
        if row is None:
            raise EditedMeanwhile
        row.version += 1
        _write(row, draft, user)
    return row


def check_integration(
    *, organisation: Organisation, integration: Integration | None, draft: Draft
) -> None:
    """Raise ConfigurationError with every problem that would keep *draft* from being saved."""
    row = integration or Integration(organisation=organisation)
    _check(row, draft, _stored_secrets(row))


def _announce(integration: Integration) -> None:
    announce_change(organisation_id=integration.organisation_id, integration_id=integration.id)


def _check(row: Integration, draft: Draft, stored: list[StoredSecret]) -> CheckedDraft:
    others = Integration.objects.filter(organisation_id=row.organisation_id).exclude(id=row.id)
    return check_draft(draft, taken=others.values_list("name", flat=True), stored=stored)


def _stored_secrets(row: Integration) -> list[StoredSecret]:
    return list(StoredSecret.objects.filter(integration_id=row.id).select_related("integration"))


def _write(row: Integration, draft: Draft, user: User | None = None) -> None:
    stored = _stored_secrets(row)
    checked = _check(row, draft, stored)
    keeps_tokens = _tokens_may_stay(row, checked, user)
    row.name = draft.name.strip()
    row.variables = dict(draft.variables)
    row.authentication = (
        authentication_to_json(draft.authentication) if draft.authentication else None
    )
    row.tls = tls_to_json(draft.tls) if draft.tls else None
    row.commands = [command_to_json(config) for config in draft.commands]
    row.preset, row.on_failure, row.keeping = draft.preset, draft.on_failure, draft.keeping
    row.save()
    _write_secrets(row, draft.secrets, stored, checked.bindings)
    if not keeps_tokens:
        StoredTokens.objects.filter(integration_id=row.id).delete()


def _tokens_may_stay(row: Integration, checked: CheckedDraft, user: User | None) -> bool:
    """Return whether the tokens of *row* stay after *user* saved *checked*.

    They stay if they are used, go nowhere else, and its commands may carry them.
    """
    tokens = StoredTokens.objects.filter(integration_id=row.id).first()
    authentication = checked.compiled.authentication
    if tokens is None or authentication is None or not authentication.scheme.keeps_tokens:
        return False
    if not uses_of_authentication(checked.compiled) <= uses_from_json(tokens.bound_to):
        return False
    return may_carry_tokens(row, checked.draft.config(), checked.compiled, user=user)


def may_carry_tokens(
    row: Integration,
    config: IntegrationConfig,
    compiled: CompiledIntegration,
    *,
    user: User | None,
) -> bool:
    """Return whether the commands of *config* may carry the tokens stored for *row*.

    They may if the saved ones do so in the same way, or if *user* connected the integration, and so
    may see what the tokens give access to.
    """
    stored = StoredTokens.objects.filter(integration_id=row.id).exclude(ciphertext=b"").first()
    if stored is None or (user is not None and stored.connected_by_id == user.id):
        return True
    saved = draft_of(row).config()
    before = commands_of_tokens(saved, try_to_compile(saved).integration)
    return commands_of_tokens(config, compiled) <= before


def _write_secrets(
    row: Integration,
    entries: tuple[SecretEntry, ...],
    stored: Iterable[StoredSecret],
    bindings: Mapping[str, SecretBinding],
) -> None:
    """Make the stored secrets what *entries* say; those that stay as they are aren't touched."""
    before = {secret.id: secret for secret in stored}
    untouched = {entry.stored_id for entry in entries if _stays(entry, before)}
    changed = [
        _new_row(row, entry, before.get(entry.stored_id), bindings)
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
    bindings: Mapping[str, SecretBinding],
) -> StoredSecret:
    if entry.value is None and renamed is not None:
        value, bound_to = _value_of(renamed), renamed.bound_to
    else:
        value = entry.value or Secret("")
        bound_to = bindings.get(entry.name, NOTHING).to_json()
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


def mark_connected(*, integration: Integration, user: User, uses: SecretUses) -> None:
    """Note that *user* has connected an integration, whose tokens may go to *uses* from now on."""
    with transaction.atomic():
        _announce(integration)
        StoredTokens.objects.filter(integration_id=integration.id).update(
            bound_to=uses_to_json(uses), connected_at=timezone.now(), connected_by=user
        )
        _count_connection(integration)


def disconnect_integration(*, integration: Integration) -> None:
    """Delete the tokens of an integration. They stay good at the other system until they end."""
    with transaction.atomic():
        _announce(integration)
        StoredTokens.objects.filter(integration_id=integration.id).delete()
        _count_connection(integration)


def _count_connection(integration: Integration) -> None:
    Integration.objects.filter(id=integration.id).update(connection=F("connection") + 1)


def delete_integration(*, integration: Integration) -> None:
    """Delete an integration with its secrets. Its runs are kept."""
    with transaction.atomic():
        _announce(integration)
        integration.delete()


def set_enabled(*, integration: Integration, enabled: bool) -> None:
    """Switch an integration on or off. One that is off is used by nobody."""
    with transaction.atomic():
        _announce(integration)
        Integration.objects.filter(id=integration.id).update(enabled=enabled)


def move_integration(*, integration: Integration, places: int) -> int:
    """Move an integration *places* down (up, if negative) in its order; return its new number.

    VIEW tries the enabled ones that have the command in this order.
    """
    with transaction.atomic():
        announce_change(organisation_id=integration.organisation_id)
        rows = Integration.objects.filter(organisation_id=integration.organisation_id)
        before = list(rows.order_by(*IN_ORDER.fields).values_list("id", "position"))
        ids = [id_ for id_, _ in before]
        old = ids.index(integration.id)
        new = max(0, min(len(ids) - 1, old + places))
        ids.insert(new, ids.pop(old))
        _write_positions(ids, before)
    return new + 1


def _write_positions(ids: Sequence[str], before: Sequence[tuple[str, int]]) -> None:
    """Give *ids*, which are in their new order, the positions that there are; write the changed."""
    positions = [position for _, position in before]
    if len(set(positions)) < len(positions):
        positions = list(range(len(positions)))
    was = dict(before)
    changed = [
        Integration(id=id_, position=position)
        for id_, position in zip(ids, positions, strict=True)
        if was[id_] != position
    ]
    Integration.objects.bulk_update(changed, ["position"], batch_size=_WRITTEN_AT_ONCE)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewApiKey:
    """A key just made. ``value`` is shown once, and kept nowhere."""

    row: ApiKey
    value: Secret


def create_api_key(
    *,
    organisation: Organisation,
    name: str,
    user: User | None,
    scopes: Iterable[str] = (RUN,),
    expires_at: datetime | None = None,
) -> NewApiKey:
    """Make an API key with *scopes*; it works until *expires_at*, or until it is revoked."""
    value = API_KEY_PREFIX + random.token_urlsafe(32)
    row = ApiKey(
        organisation=organisation,
        name=name.strip(),
        hint=f"{API_KEY_PREFIX}…{value[-_HINT_LENGTH:]}",
        digest=digest_of_key(value),
        scopes=scopes_to_text(scopes),
        expires_at=expires_at,
        created_by=user,
    )
    with transaction.atomic():
        announce_change(organisation_id=organisation.id, key_id=row.id)
        row.save(force_insert=True)
    return NewApiKey(row=row, value=Secret(value))


def digest_of_key(value: str) -> str:
    """Return the digest under which the key *value* is stored."""
    return hashlib.sha256(value.encode()).hexdigest()


def change_api_key(*, key: ApiKey, scopes: Iterable[str], expires_at: datetime | None) -> None:
    """Give a key other scopes and another end. It counts everywhere within two seconds."""
    with transaction.atomic():
        announce_change(organisation_id=key.organisation_id, key_id=key.id)
        ApiKey.objects.filter(id=key.id, revoked_at=None).update(
            scopes=scopes_to_text(scopes), expires_at=expires_at
        )


def revoke_api_key(*, key: ApiKey) -> None:
    """End a key for good. It is refused everywhere within two seconds."""
    with transaction.atomic():
        announce_change(organisation_id=key.organisation_id, key_id=key.id)
        ApiKey.objects.filter(id=key.id, revoked_at=None).update(revoked_at=timezone.now())
