"""Puts secrets into rows and takes them out again, with this installation's ring of keys."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Final, TypeVar

from django.db import transaction
from django.db.models import BinaryField, Count, QuerySet
from django.db.models.functions import Substr

from billhook.engine.secret import Secret
from billhook.portal.installation import environment
from billhook.portal.integrations import key_file
from billhook.portal.integrations.crypto import (
    ID_ENDS_AT,
    ID_STARTS_AT,
    KeyRing,
    KeyRingError,
    SecretPlace,
    SecretUnreadableError,
    parse_keys,
)
from billhook.portal.integrations.models import Integration, StoredSecret, StoredTokens
from billhook.portal.nodes.access import nodes_alive
from billhook.portal.nodes.node import this_node
from billhook.portal.nodes.services import SECRETS, replace_fingerprint

_CHUNK: Final = 200
_TOKENS: Final = "the tokens of"
"""Takes the place of a secret's name; no secret has a name with a space."""
_Encrypted = TypeVar("_Encrypted", StoredSecret, StoredTokens)


def key_ring() -> KeyRing:
    """Return the current key ring of this installation.

    It is read each time: another process may have rotated the keys, and nobody can read what is
    encrypted with a key that is gone.

    Raises:
        KeyRingError: the keys can't be used, or their file is gone although secrets are stored.
    """
    written = environment.current().secrets_keys
    if written:
        return parse_keys(written)
    if key_file.is_missing() and has_secrets():
        raise KeyRingError("The file secrets.key is gone, so no stored secret can be read.")
    return key_file.read_keys()


def encrypt_secret(value: Secret, *, integration: Integration, name: str) -> bytes:
    """Return *value* encrypted for the secret *name* of *integration*."""
    return key_ring().encrypt(value, _place(integration, name))


def decrypt_secret(row: StoredSecret, *, ring: KeyRing) -> Secret:
    """Return the value of *row*, whose integration must be loaded.

    Raises:
        SecretUnreadableError: its key is gone, or the ciphertext was made for another row.
    """
    return ring.decrypt(bytes(row.ciphertext), _place_of(row))


def encrypt_tokens(text: Secret, *, integration: Integration) -> bytes:
    """Return *text*, which holds the tokens of *integration*, encrypted."""
    return encrypt_secret(text, integration=integration, name=_TOKENS)


def decrypt_tokens(row: StoredTokens, *, ring: KeyRing) -> Secret:
    """Return the text in *row*, whose integration must be loaded; see :func:`decrypt_secret`."""
    return ring.decrypt(bytes(row.ciphertext), _place_of(row))


def rotate_secrets() -> int:
    """Encrypt all stored secrets and tokens with a new key. Return the number of rows.

    With keys in the key file, the new one is created here; the previous one stays in the file until
    a later rotation, for a process that is just writing. With keys from the environment, the first
    of them is the new one.

    Raises:
        RotationRunning: another process is rotating them.
        KeyRingError: there is no new key, or one that stored secrets need is missing.
    """
    with key_file.only_rotation():
        ring = key_ring()
        if lost := count_of_missing_keys(ring):
            raise KeyRingError(f"The keys don't fit {lost} of the stored secrets.")
        if not environment.current().secrets_keys:
            _refuse_other_nodes()
            ring = key_file.add_new_key(used=_key_uses().keys())
        elif len(ring.keys) == 1 and has_secrets():
            raise KeyRingError(
                "There is only one key. Put a new one before it in BILLHOOK_SECRETS_KEYS, "
                "separated by a comma, and run this again."
            )
        replace_fingerprint(SECRETS, ring.current.id.hex())
        return _encrypt_again(StoredSecret, ring) + _encrypt_again(StoredTokens, ring)


def _refuse_other_nodes() -> None:
    """Refuse to change the key file of this node alone while others have theirs."""
    others = nodes_alive(apart_from=this_node().id)
    if others:
        names = ", ".join(each.name for each in others)
        raise KeyRingError(
            f"Other nodes are running with their own copy of the keys: {names}. Give the keys to "
            "all nodes as BILLHOOK_SECRETS_KEYS first (docs/nodes.md), or stop the other nodes."
        )


def forget_unreadable() -> int:
    """Forget the secrets and tokens whose key is lost for good; return how many there were.

    The names of the secrets stay: their values have to be typed again.
    """
    with key_file.only_rotation():
        if not environment.current().secrets_keys:
            key_file.read_keys()
        lost = list(_unreadable_rows(key_ring()))
        for row in lost:
            row.ciphertext = b""
            row.save(update_fields=["ciphertext"])
        if lost:
            replace_fingerprint(SECRETS, key_ring().current.id.hex())
        return len(lost)


def has_secrets() -> bool:
    """Return whether anything is encrypted."""
    return any(rows.exists() for rows in _encrypted())


def count_of_missing_keys(ring: KeyRing) -> int:
    """Return how many stored secrets and tokens are encrypted with a key that isn't in *ring*."""
    known = {key.id for key in ring.keys}
    return sum(number for id_, number in _key_uses().items() if id_ not in known)


def unreadable_secrets(ring: KeyRing) -> Iterator[str]:
    """Name every stored secret that can't be decrypted with *ring*, for the operator."""
    for row in _unreadable_rows(ring):
        name = row.name if isinstance(row, StoredSecret) else "tokens"
        yield f"{name} of the integration {row.integration.name}"


def _encrypted() -> Iterator[QuerySet[StoredSecret] | QuerySet[StoredTokens]]:
    """Yield everything that is encrypted. Tokens that are still to come are empty."""
    yield StoredSecret.objects.exclude(ciphertext=b"").order_by()
    yield StoredTokens.objects.exclude(ciphertext=b"").order_by()


def _key_uses() -> Counter[bytes]:
    """Return for the id of each key how many secrets and tokens are encrypted with it."""
    uses: Counter[bytes] = Counter()
    head = Substr("ciphertext", 1, ID_ENDS_AT, output_field=BinaryField())
    for rows in _encrypted():
        for found, number in rows.values_list(head).annotate(Count("pk")):
            uses[bytes(found)[ID_STARTS_AT:]] += number
    return uses


def _unreadable_rows(ring: KeyRing) -> Iterator[StoredSecret | StoredTokens]:
    for rows in _encrypted():
        for row in rows.select_related("integration").iterator(chunk_size=_CHUNK):
            try:
                ring.decrypt(bytes(row.ciphertext), _place_of(row))
            except SecretUnreadableError:
                yield row


def _encrypt_again(model: type[_Encrypted], ring: KeyRing) -> int:
    ids = list(model.objects.exclude(ciphertext=b"").values_list("pk", flat=True))
    for start in range(0, len(ids), _CHUNK):
        _encrypt_chunk(model, ids[start : start + _CHUNK], ring)
    return len(ids)


@transaction.atomic
def _encrypt_chunk(model: type[_Encrypted], ids: list[str], ring: KeyRing) -> None:
    rows = model.objects.select_for_update(of=("self",)).select_related("integration")
    for row in rows.filter(pk__in=ids):
        place = _place_of(row)
        value = ring.decrypt(bytes(row.ciphertext), place)
        row.ciphertext = ring.encrypt(value, place)
        row.save(update_fields=["ciphertext"])


def _place_of(row: StoredSecret | StoredTokens) -> SecretPlace:
    return _place(row.integration, row.name if isinstance(row, StoredSecret) else _TOKENS)


def _place(integration: Integration, name: str) -> SecretPlace:
    return SecretPlace(
        organisation_id=integration.organisation_id, integration_id=integration.id, name=name
    )
