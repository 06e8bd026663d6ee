"""Fixtures: a shelf of each kind, and an S3 server that is not ours (rclone's)."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from billhook.portal.installation.storage_choice import S3Storage, storage
from billhook.portal.storage.byte_store import ByteStore, DatabaseBytes
from billhook.portal.storage.folder_shelf import FolderShelf
from billhook.portal.storage.s3_bytes import S3Bytes
from billhook.portal.storage.shared_shelf import SharedShelf

_STARTED = re.compile(r"server on \[(http://127\.0\.0\.1:\d+)/\]")


@dataclass(frozen=True)
class S3Server:
    """A running server, and the folder where it stores its objects."""

    origin: str
    folder: Path

    def choice(self, bucket: str = "acme", secret: str = "s3cr/et+") -> S3Storage:
        written = secret.replace("/", "%2F").replace("+", "%2B")
        found = storage(f"s3://KEY:{written}@{bucket}/bill/hook?endpoint={self.origin}")
        assert isinstance(found, S3Storage)
        return found


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    folder = tmp_path_factory.mktemp("s3")
    (folder / "acme").mkdir()
    process = subprocess.Popen(
        [
            Path(sys.executable).with_name("rclone"),
            *("serve", "s3", "--addr=127.0.0.1:0", "--config=", "--vfs-cache-mode=off"),
            "--auth-key=KEY,s3cr/et+",
            folder,
        ],
        stderr=subprocess.PIPE,
        env={"HOME": str(folder)},
        text=True,
    )
    assert process.stderr is not None
    try:
        lines = (_STARTED.search(line) for line in process.stderr)
        yield S3Server(next(found[1] for found in lines if found), folder)
    finally:
        process.terminate()
        process.communicate()


class Shelves:
    """Makes shelves of one kind: each call is another node's, with a folder of its own."""

    def __init__(self, kind: str, folder: Path, store: ByteStore | None) -> None:
        self.kind = kind
        self._folder = folder
        self._store = store
        self._made: list[FolderShelf | SharedShelf] = []

    def make(self, *, kept_seconds: float = 600, max_bytes: int = 100) -> FolderShelf | SharedShelf:
        limits = {"kept_seconds": kept_seconds, "max_bytes": max_bytes}
        if self._store is None:
            self._made.append(FolderShelf(self._folder / "held", **limits))
        else:
            copies = FolderShelf(self._folder / f"node-{len(self._made)}", **limits)
            self._made.append(SharedShelf("held", store=self._store, copies=copies, **limits))
        return self._made[-1]

    def close(self) -> None:
        for each in self._made:
            each.close()


@pytest.fixture(params=["folder", "database", "s3"])
def shelves(request: pytest.FixtureRequest, tmp_path: Path, db: None) -> Iterator[Shelves]:
    store: ByteStore | None = None
    if request.param == "database":
        store = DatabaseBytes()
    elif request.param == "s3":
        store = S3Bytes(request.getfixturevalue("s3_server").choice())
    made = Shelves(request.param, tmp_path, store)
    yield made
    made.close()
