"""Shared files are encrypted, tied to their organisation, and nobody waits long for a storage."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection

from billhook.engine.body import Body
from billhook.portal.storage import sealing
from billhook.portal.storage.byte_store import BytesAway, DatabaseBytes
from billhook.portal.storage.folder_shelf import FolderShelf
from billhook.portal.storage.models import FileChunk, StoredFile
from billhook.portal.storage.s3_bytes import S3Bytes
from billhook.portal.storage.sealing import FilePlace, SealBroken, seal, unseal
from billhook.portal.storage.shared_shelf import SharedShelf
from billhook.portal.storage.shelf import FileGone, Holder, ShelfFull

CARLA = Holder(user_id="carla", subject="invoice:1", organisation_id="harper")
PLACE = FilePlace(shelf="held", name="a" * 32, organisation_id="harper")
LARGE = os.urandom(600_000)


def test_files_of_a_folder_are_readable_by_their_owner_only(tmp_path: Path) -> None:
    shelf = FolderShelf(tmp_path / "held", kept_seconds=60)
    shelf.hold(Body(b"%PDF"), CARLA)
    shelf.close()
    [file] = (tmp_path / "held").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"x", LARGE, bytes(2 * 256 * 1024)])
def test_what_is_sealed_is_unsealed(content: bytes) -> None:
    sealed = list(seal([content[:7], content[7:]], PLACE))
    assert b"".join(unseal(iter(sealed), PLACE)) == content


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda chunks: chunks[:-1], id="without its end"),
        pytest.param(lambda chunks: [chunks[0], chunks[2], chunks[1], *chunks[3:]], id="in order"),
        pytest.param(lambda chunks: [*chunks, chunks[-1]], id="longer"),
        pytest.param(lambda chunks: [*chunks[:-1], chunks[-1][:-1] + b"x"], id="changed"),
        pytest.param(lambda chunks: chunks[:1], id="only its head"),
        pytest.param(lambda _: [], id="empty"),
    ],
)
def test_changed_bytes_are_refused(change) -> None:
    with pytest.raises(SealBroken):
        list(unseal(iter(change(list(seal([LARGE], PLACE)))), PLACE))


@pytest.mark.parametrize(
    "place",
    [
        FilePlace(shelf="imports", name="a" * 32, organisation_id="harper"),
        FilePlace(shelf="held", name="b" * 32, organisation_id="harper"),
        FilePlace(shelf="held", name="a" * 32, organisation_id="northwind"),
    ],
    ids=["shelf", "name", "organisation"],
)
def test_bytes_can_be_read_only_where_they_belong(place: FilePlace) -> None:
    with pytest.raises(SealBroken):
        list(unseal(seal([b"%PDF"], PLACE), place))


def test_another_signing_key_reads_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = list(seal([b"%PDF"], PLACE))
    monkeypatch.setattr(sealing, "signing_key", lambda: "another")
    with pytest.raises(SealBroken):
        list(unseal(iter(sealed), PLACE))


@pytest.fixture
def shelf(tmp_path: Path, db: None) -> Iterator[SharedShelf]:
    copies = FolderShelf(tmp_path / "copies", kept_seconds=600)
    made = SharedShelf("held", store=DatabaseBytes(), copies=copies, kept_seconds=600)
    yield made
    made.close()


def test_the_database_has_encrypted_bytes_alone(shelf: SharedShelf) -> None:
    shelf.hold(Body(b"%PDF-canary"), CARLA)
    shelf.write_note("n" * 32, b"canary", CARLA)
    stored = [bytes(each) for each in FileChunk.objects.values_list("content", flat=True)]
    notes = StoredFile.objects.exclude(note=None).values_list("note", flat=True)
    assert len(stored) == 2
    assert not any(b"canary" in each for each in (*stored, *map(bytes, notes)))


def test_a_row_that_is_moved_to_another_organisation_is_gone(
    shelf: SharedShelf, tmp_path: Path
) -> None:
    name = shelf.hold(Body(b"%PDF"), CARLA)
    (tmp_path / "copies" / name).unlink()
    StoredFile.objects.update(organisation_id="northwind")
    with pytest.raises(FileGone):
        shelf.open_file(name, "harper")


def test_a_file_that_was_opened_once_needs_no_database(
    shelf: SharedShelf, tmp_path: Path, django_assert_num_queries
) -> None:
    name = shelf.hold(Body(b"%PDF"), CARLA)
    (tmp_path / "copies" / name).unlink()
    with django_assert_num_queries(2):
        shelf.open_file(name, "harper").close()
    with django_assert_num_queries(0):
        shelf.open_file(name, "harper").close()


def test_a_disk_without_space_for_copies_stops_nobody(
    shelf: SharedShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelf._copies, "_max_bytes", 0)
    name = shelf.hold(Body(LARGE), CARLA)
    with shelf.open_file(name, "harper") as file:
        assert file.read() == LARGE


def test_deleted_files_leave_no_chunks(shelf: SharedShelf) -> None:
    shelf.remove(shelf.hold(Body(LARGE), CARLA), "harper")
    assert not FileChunk.objects.exists()


def test_a_full_shelf_reads_its_rows_only_once_in_a_while(
    tmp_path: Path, db: None, django_assert_max_num_queries
) -> None:
    copies = FolderShelf(tmp_path / "copies", kept_seconds=600)
    shelf = SharedShelf(
        "held", store=DatabaseBytes(), copies=copies, kept_seconds=600, max_bytes=32_000
    )
    for _ in range(32):
        shelf.hold(Body(bytes(1000)), CARLA)
    shelf.hold(Body(bytes(1000)), CARLA)  # frees a sixteenth
    with django_assert_max_num_queries(4):
        shelf.hold(Body(bytes(1000)), CARLA)
    shelf.close()


def test_an_s3_storage_that_refuses_is_reported_and_leaves_no_row(
    tmp_path: Path, db: None, s3_server
) -> None:
    copies = FolderShelf(tmp_path / "copies", kept_seconds=600)
    store = S3Bytes(s3_server.choice(secret="wrong"))
    shelf = SharedShelf("held", store=store, copies=copies, kept_seconds=600)
    with pytest.raises(ShelfFull):
        shelf.hold(Body(b"%PDF"), CARLA)
    with pytest.raises(BytesAway, match=r"\w"):
        store.check()
    shelf.close()


def test_objects_are_encrypted_and_end_with_their_rows(tmp_path: Path, db: None, s3_server) -> None:
    copies = FolderShelf(tmp_path / "copies", kept_seconds=600)
    store = S3Bytes(s3_server.choice())
    store.check()
    shelf = SharedShelf("held", store=store, copies=copies, kept_seconds=600)
    name = shelf.hold(Body(b"%PDF-canary"), CARLA)
    [stored] = s3_server.folder.rglob(name)
    assert stored.relative_to(s3_server.folder) == Path("acme/bill/hook/held") / name
    assert b"canary" not in stored.read_bytes()
    shelf.remove(name, "harper")
    assert not stored.exists()
    assert not StoredFile.objects.exists()
    shelf.close()


@pytest.mark.django_db
def test_postgresql_does_not_try_to_compress_chunks() -> None:
    if connection.vendor != "postgresql":
        return
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attstorage FROM pg_attribute WHERE attrelid = 'storage_filechunk'::regclass"
            " AND attname = 'content'"
        )
        assert cursor.fetchone() in {("e",), (b"e",)}
