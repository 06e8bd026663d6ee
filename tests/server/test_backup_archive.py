"""A cut or altered backup is refused before anything is written, and memory stays flat."""

from __future__ import annotations

import io
import random
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from billhook.engine.secret import Secret
from billhook.server.backup.archive import ArchivedFile, ArchiveWriter
from billhook.server.backup.contents import FORMAT, KEYS, MANIFEST, SETTINGS, Keys, Manifest
from billhook.server.backup.encryption import CHUNK_BYTES, DecryptingReader, EncryptingWriter
from billhook.server.backup.errors import DamagedBackup, WrongPassphrase
from billhook.server.backup.source import BackupSource
from billhook.server.errors import Refusal

PASSPHRASE = Secret("correct horse battery staple")


@pytest.fixture(autouse=True)
def quick_passphrases(monkeypatch: pytest.MonkeyPatch) -> None:
    """Derive keys quickly: no passphrase of these tests is guessed."""
    monkeypatch.setattr("billhook.server.backup.encryption._COST", 4)


def archive(*, manifest: Manifest | None = None, rows: int = 200) -> bytes:
    """Return a whole archive with rows that don't compress well."""
    written = io.BytesIO()
    writer = ArchiveWriter(written, timestamp=0)
    default = Manifest(format=FORMAT, version="1", made_at=datetime.now(UTC), migrations=())
    writer.add(MANIFEST, (manifest or default).to_bytes())
    writer.add(KEYS, Keys(secrets="a", signing="b").to_bytes())
    writer.add(SETTINGS, b"{}")
    writer.add("rows/1", random.Random(1).randbytes(rows))
    writer.finish({"rows": {"x": 1}})
    return written.getvalue()


def encrypted(content: bytes, passphrase: Secret = PASSPHRASE) -> bytes:
    written = io.BytesIO()
    writer = EncryptingWriter(written, passphrase)
    writer.write(content)
    writer.finish()
    return written.getvalue()


def members(content: bytes, passphrase: Secret | None = None) -> list[ArchivedFile]:
    source = BackupSource(io.BytesIO(content), passphrase)
    source.verify()
    return list(source.members())


KINDS = {"plain": (archive, None), "encrypted": (lambda: encrypted(archive()), PASSPHRASE)}
of_each_kind = pytest.mark.parametrize(("make", "passphrase"), KINDS.values(), ids=KINDS)


@of_each_kind
def test_a_complete_backup_is_read_as_it_was_written(
    make: Callable[[], bytes], passphrase: Secret | None
) -> None:
    names = [member.name for member in members(make(), passphrase)]
    assert names == [MANIFEST, KEYS, SETTINGS, "rows/1", "end.json"]


@of_each_kind
def test_a_backup_truncated_anywhere_is_refused(
    make: Callable[[], bytes], passphrase: Secret | None
) -> None:
    whole = make()
    for length in range(len(whole)):
        with pytest.raises(Refusal):
            members(whole[:length], passphrase)


@of_each_kind
def test_a_backup_with_any_byte_altered_is_refused_or_has_the_same_content(
    make: Callable[[], bytes], passphrase: Secret | None
) -> None:
    whole = make()
    content = members(whole, passphrase)
    accepted = []
    for place in range(len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 0xFF
        try:
            read = members(bytes(altered), passphrase)
        except Refusal:
            continue
        assert read == content
        accepted.append(place)
    if passphrase is None:
        assert len(accepted) < 10  # gzip's time, flags and system, and bits between its blocks
    else:
        assert accepted == []


@of_each_kind
def test_a_backup_with_trailing_data_is_refused(
    make: Callable[[], bytes], passphrase: Secret | None
) -> None:
    for more in (b"more", make()):
        with pytest.raises(DamagedBackup):
            members(make() + more, passphrase)


@given(st.binary(max_size=3000))
def test_a_file_with_any_other_content_is_refused(content: bytes) -> None:
    for beginning in (b"", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"):
        with pytest.raises(Refusal):
            members(beginning + content)


def test_chunks_cannot_be_moved_repeated_or_left_out() -> None:
    content = random.Random(2).randbytes(3 * CHUNK_BYTES)
    sealed = encrypted(content)
    head, size = len(sealed) - 3 * (CHUNK_BYTES + 16), CHUNK_BYTES + 16
    chunks = [sealed[head + n * size : head + (n + 1) * size] for n in range(3)]
    assert read_back(sealed) == content
    for order in ([0, 2, 1], [0, 0, 2], [0, 2], [0, 1], [0, 1, 1, 2]):
        with pytest.raises(DamagedBackup):
            read_back(sealed[:head] + b"".join(chunks[number] for number in order))


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1])
def test_content_of_every_size_is_restored(size: int) -> None:
    content = random.Random(size).randbytes(size)
    assert read_back(encrypted(content)) == content


def read_back(sealed: bytes) -> bytes:
    return io.BufferedReader(DecryptingReader(io.BytesIO(sealed), PASSPHRASE)).read()


def test_another_passphrase_opens_nothing() -> None:
    with pytest.raises(WrongPassphrase):
        members(encrypted(archive()), Secret("another one"))


def test_the_same_backup_is_encrypted_differently_each_time() -> None:
    content = archive()
    assert encrypted(content)[32:64] != encrypted(content)[32:64]


def test_a_later_format_is_refused_with_the_version_to_install() -> None:
    later = Manifest(format=FORMAT + 1, version="9.9.9", made_at=datetime.now(UTC), migrations=())
    with pytest.raises(Refusal, match="9\\.9\\.9") as refused:
        members(archive(manifest=later))
    assert refused.value.code == "backup-newer"


def test_memory_stays_flat_however_large_a_backup_is() -> None:
    """A backup sixteen times as large needs at most half a megabyte more memory."""
    peaks = []
    for megabytes in (4, 64):
        tracemalloc.start()
        writer = ArchiveWriter(EncryptingWriter(Nowhere(), PASSPHRASE), timestamp=0)
        piece = bytes(1024 * 1024)
        for number in range(megabytes):
            writer.add(f"rows/{number}", piece)
        writer.finish({})
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 512 * 1024


class Nowhere(io.RawIOBase):
    """A file that keeps nothing."""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:
        return len(data)
