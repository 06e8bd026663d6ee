"""Rotation encrypts every secret with a new key, and the key file is never half written."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from billhook.engine.errors import ConfigurationError
from billhook.engine.secret import Secret
from billhook.portal.installation import environment
from billhook.portal.integrations.crypto import (
    KeyRingError,
    SecretPlace,
    key_id,
    new_key,
    parse_keys,
)
from billhook.portal.integrations.drafts import draft_of
from billhook.portal.integrations.key_file import KEPT_SECONDS, RotationRunning, only_rotation
from billhook.portal.integrations.models import Integration, StoredSecret
from billhook.portal.integrations.services import save_integration
from billhook.portal.integrations.vault import (
    count_of_missing_keys,
    decrypt_secret,
    forget_unreadable,
    key_ring,
    rotate_secrets,
)
from billhook.portal.nodes.node import this_node
from portal.cast import Cast
from portal.integration_cast import CANARY, draft, integration


@pytest.fixture
def folder(tmp_path: Path, db: None) -> Iterator[Path]:
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


def let_time_pass(folder: Path) -> None:
    """Make the key file older than any process that is writing with a key of it."""
    then = (folder / "secrets.key").stat().st_mtime - KEPT_SECONDS - 1
    os.utime(folder / "secrets.key", (then, then))


def test_the_previous_key_is_kept_for_one_rotation(folder: Path, cast: Cast) -> None:
    integration(cast.harper)
    keys = [key_ring().current.id]
    for _ in range(3):
        let_time_pass(folder)
        rotate_secrets()
        keys.append(key_ring().current.id)
        assert [key.id for key in key_ring().keys] == keys[:-3:-1]
    assert values() == [CANARY]


def test_rotations_in_quick_succession_keep_every_key_for_those_who_write_with_it(
    folder: Path, cast: Cast
) -> None:
    row = integration(cast.harper)
    first = key_ring()
    rotate_secrets()
    rotate_secrets()
    written_late = first.encrypt(Secret("late"), place_of(row))
    assert key_ring().decrypt(written_late, place_of(row)) == Secret("late")


def place_of(row: Integration) -> SecretPlace:
    return SecretPlace(organisation_id=row.organisation_id, integration_id=row.id, name="ApiKey")


def test_of_two_rotations_at_once_the_second_is_refused(folder: Path, cast: Cast) -> None:
    integration(cast.harper)
    before = key_ring().current.id
    with only_rotation(), pytest.raises(RotationRunning):
        rotate_secrets()
    assert key_ring().current.id == before
    assert rotate_secrets() == 1


def test_a_key_file_that_is_gone_is_not_replaced_while_secrets_exist(
    folder: Path, cast: Cast
) -> None:
    integration(cast.harper)
    (folder / "secrets.key").unlink()
    with pytest.raises(KeyRingError, match="is gone"):
        key_ring()
    assert not (folder / "secrets.key").exists()


def test_a_foreign_key_file_is_noticed_before_anything_is_changed(folder: Path, cast: Cast) -> None:
    integration(cast.harper)
    (folder / "secrets.key").write_text(new_key().to_text())
    before = (folder / "secrets.key").read_text()
    assert count_of_missing_keys(key_ring()) == 1
    with pytest.raises(KeyRingError, match="don't fit 1 of"):
        rotate_secrets()
    assert (folder / "secrets.key").read_text() == before


@pytest.mark.parametrize("lose", [Path.unlink, lambda file: file.write_text(new_key().to_text())])
def test_forgotten_secrets_keep_their_names_and_are_asked_for_again(
    folder: Path, cast: Cast, lose: Callable[[Path], object]
) -> None:
    row = integration(cast.harper)
    lose(folder / "secrets.key")
    assert forget_unreadable() == 1
    assert count_of_missing_keys(key_ring()) == 0
    with pytest.raises(ConfigurationError, match="Type the value of ApiKey"):
        save_integration(integration=row, draft=draft_of(row), version=row.version)
    save_integration(integration=row, draft=draft(), version=row.version)
    assert values() == [CANARY]


class Flushed:
    """Records what is flushed to disk, in order: the names of files and folders."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._flush = os.fsync

    def __call__(self, file: int) -> None:
        self.names.append(Path(f"/proc/self/fd/{file}").readlink().name.partition(".key")[0])
        self._flush(file)


def test_a_key_and_its_folder_are_flushed_before_the_key_is_used(
    folder: Path, cast: Cast, monkeypatch: pytest.MonkeyPatch
) -> None:
    flushed = Flushed()
    monkeypatch.setattr(os, "fsync", flushed)
    this_node()  # its id is a file, too, written once
    flushed.names.clear()
    key_ring()
    assert flushed.names == ["secrets", folder.name]
    flushed.names.clear()
    rotate_secrets()
    assert flushed.names == ["secrets", folder.name]


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
