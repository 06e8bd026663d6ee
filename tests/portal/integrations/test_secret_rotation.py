"""Rotation encrypts every secret with a new key, and the key file is never half written."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from billhook.engine.secret import Secret
from billhook.portal.installation import environment
from billhook.portal.integrations.crypto import KeyRingError, key_id, new_key, parse_keys
from billhook.portal.integrations.models import StoredSecret
from billhook.portal.integrations.vault import decrypt_secret, key_ring, rotate_secrets
from portal.cast import Cast
from portal.integration_cast import CANARY, draft, integration


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A data folder of this test's own, with no key in it yet."""
    before = str(environment.current().data_dir)
    environment.put("BILLHOOK_DATA_DIR", str(tmp_path))
    yield tmp_path
    environment.put("BILLHOOK_DATA_DIR", before)
    environment.put("BILLHOOK_SECRETS_KEYS", "")


def values() -> list[str]:
    rows = StoredSecret.objects.select_related("integration")
    return [decrypt_secret(row, ring=key_ring()).reveal() for row in rows]


def test_the_first_use_creates_a_key_file_that_only_its_owner_can_read(folder: Path) -> None:
    first = key_ring()
    file = folder / "secrets.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert key_ring().current.id == first.current.id
    assert list(folder.iterdir()) == [file]


def test_a_rotation_leaves_every_secret_readable_with_the_new_key(folder: Path, cast: Cast) -> None:
    for name in ("A", "B"):
        integration(cast.harper, draft(name=name))
    old = key_ring().current
    assert rotate_secrets() == 2
    ring = key_ring()
    assert ring.current.id != old.id
    assert {key_id(bytes(row.ciphertext)) for row in StoredSecret.objects.all()} == {
        ring.current.id
    }
    assert values() == [CANARY, CANARY]
    assert stat.S_IMODE((folder / "secrets.key").stat().st_mode) == 0o600


def test_the_previous_key_is_kept_for_one_rotation(folder: Path, cast: Cast) -> None:
    integration(cast.harper)
    keys = [key_ring().current.id]
    for _ in range(3):
        rotate_secrets()
        keys.append(key_ring().current.id)
        assert [key.id for key in key_ring().keys] == keys[:-3:-1]
    assert values() == [CANARY]


def test_with_keys_from_the_environment_the_first_is_the_new_one(folder: Path, cast: Cast) -> None:
    old, new = new_key(), new_key()
    environment.put("BILLHOOK_SECRETS_KEYS", old.to_text())
    integration(cast.harper)
    with pytest.raises(KeyRingError, match="BILLHOOK_SECRETS_KEYS"):
        rotate_secrets()
    environment.put("BILLHOOK_SECRETS_KEYS", f"{new.to_text()},{old.to_text()}")
    assert rotate_secrets() == 1
    environment.put("BILLHOOK_SECRETS_KEYS", new.to_text())
    assert values() == [CANARY]
    assert not (folder / "secrets.key").exists()


def test_the_content_of_the_key_file_can_be_used_in_the_environment(folder: Path) -> None:
    key_ring()
    text = (folder / "secrets.key").read_text()
    assert parse_keys(text).current.id == key_ring().current.id
    assert Secret(text) != Secret("")
