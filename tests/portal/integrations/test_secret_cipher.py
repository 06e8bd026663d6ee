"""Secrets at rest: only the row that a ciphertext was made for can read it."""

from __future__ import annotations

import base64

import pytest

from billhook.engine.secret import Secret
from billhook.portal.integrations.crypto import (
    EncryptionKey,
    KeyRing,
    KeyRingError,
    SecretPlace,
    SecretUnreadableError,
    key_id,
    new_key,
    parse_keys,
    write_keys,
)

CANARY = "canary-7f3e-secret"


def place(**changes: str) -> SecretPlace:
    ours = {"organisation_id": "org1", "integration_id": "int1", "name": "ApiKey"}
    return SecretPlace(**{**ours, **changes})


@pytest.fixture
def ring() -> KeyRing:
    return KeyRing((new_key(),))


def test_an_encrypted_value_can_be_decrypted(ring: KeyRing) -> None:
    stored = ring.encrypt(Secret("ключ 🔑"), place())
    assert ring.decrypt(stored, place()).reveal() == "ключ 🔑"


def test_a_ciphertext_does_not_contain_the_value_and_never_repeats(ring: KeyRing) -> None:
    first, second = (ring.encrypt(Secret(CANARY), place()) for _ in range(2))
    assert CANARY.encode() not in first
    assert first != second


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(place(organisation_id="org2"), id="another organisation"),
        pytest.param(place(integration_id="int2"), id="another integration"),
        pytest.param(place(name="Other"), id="another secret"),
        pytest.param(place(organisation_id="org", integration_id="1int1"), id="moved boundary"),
    ],
)
def test_a_ciphertext_put_into_another_row_cannot_be_read(
    ring: KeyRing, other: SecretPlace
) -> None:
    stored = ring.encrypt(Secret(CANARY), place())
    with pytest.raises(SecretUnreadableError) as caught:
        ring.decrypt(stored, other)
    assert CANARY not in str(caught.value)


def test_a_changed_ciphertext_cannot_be_read(ring: KeyRing) -> None:
    stored = bytearray(ring.encrypt(Secret(CANARY), place()))
    stored[-1] ^= 1
    with pytest.raises(SecretUnreadableError):
        ring.decrypt(bytes(stored), place())


@pytest.mark.parametrize(
    "stored",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x01short", id="short"),
        pytest.param(b"\x02" + bytes(60), id="unknown version"),
    ],
)
def test_text_that_is_not_our_ciphertext_is_refused(ring: KeyRing, stored: bytes) -> None:
    with pytest.raises(SecretUnreadableError):
        ring.decrypt(stored, place())


def test_an_older_key_still_decrypts_and_the_first_one_encrypts(ring: KeyRing) -> None:
    newer = KeyRing((new_key(), *ring.keys))
    old = ring.encrypt(Secret(CANARY), place())
    assert newer.decrypt(old, place()) == Secret(CANARY)
    assert key_id(newer.encrypt(Secret(CANARY), place())) == newer.current.id != ring.current.id


def test_a_missing_key_is_named_by_its_id(ring: KeyRing) -> None:
    stored = ring.encrypt(Secret(CANARY), place())
    with pytest.raises(SecretUnreadableError, match=ring.current.id.hex()):
        KeyRing((new_key(),)).decrypt(stored, place())


def test_a_key_file_is_read_as_it_was_written() -> None:
    keys = [new_key(), new_key()]
    assert [key.id for key in parse_keys(write_keys(keys)).keys] == [key.id for key in keys]


def test_keys_may_be_separated_by_commas_and_use_either_base64() -> None:
    raw = bytes([251] * 32)
    plain, urlsafe = base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()
    assert plain != urlsafe
    ring = parse_keys(f"{plain}, {urlsafe} # the same")
    assert [key.id for key in ring.keys] == [EncryptionKey(raw).id] * 2


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="none"),
        pytest.param("# only a comment", id="only a comment"),
        pytest.param("not base64!", id="not base64"),
        pytest.param(base64.b64encode(bytes(16)).decode(), id="too short"),
    ],
)
def test_keys_that_cannot_be_used_are_refused_without_repeating_them(text: str) -> None:
    with pytest.raises(KeyRingError) as caught:
        parse_keys(text)
    assert "base64!" not in str(caught.value)


def test_a_key_prints_only_its_id() -> None:
    key = new_key()
    assert key.to_text() not in repr(key)
    assert key.id.hex() in repr(key)
