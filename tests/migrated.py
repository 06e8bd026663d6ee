"""A SQLite database with all tables, made once for a checkout: migrating takes seconds each time.

For tests that need an installation and aren't about its first start.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
import sys
import tempfile
from os import environ  # noqa: TID251 - a process gets it, without our settings
from pathlib import Path

ROOT = Path(__file__).parents[1]
_KEPT = ROOT / ".pytest_cache" / "migrated"
_NAME = "billhook.sqlite3"
_MIGRATE = """
from billhook.server.django_setup import set_up_django
set_up_django()
from billhook.server.database import prepare_database
prepare_database()
"""


def put_tables(data_dir: Path) -> None:
    """Make the data folder *data_dir* as the start of Billhook does, with a migrated database."""
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy_tables(data_dir / _NAME)


def copy_tables(to: Path) -> None:
    """Copy the migrated database to a new file."""
    shutil.copyfile(_migrated(), to)
    to.chmod(0o600)


def _migrated() -> Path:
    """Return the database that the code of now makes; the first process to ask makes it."""
    _KEPT.mkdir(parents=True, exist_ok=True)
    kept = _KEPT / f"{_code()}.sqlite3"
    with (_KEPT / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not kept.exists():
            for older in _KEPT.glob("*.sqlite3"):
                older.unlink()
            _make(kept)
    return kept


def _make(kept: Path) -> None:
    with tempfile.TemporaryDirectory(dir=_KEPT) as folder:
        settings = {"BILLHOOK_DATA_DIR": folder}
        others = {name: text for name, text in environ.items() if not name.startswith("BILLHOOK_")}
        subprocess.run([sys.executable, "-c", _MIGRATE], env=others | settings, check=True)
        assert not list(Path(folder).glob(f"{_NAME}-*")), "all of it is in the one file"
        (Path(folder) / _NAME).rename(kept)


def _code() -> str:
    """Return a digest of all that the tables depend on."""
    digest = hashlib.sha256(sys.version.encode())
    files = sorted((ROOT / "src" / "billhook" / "portal").rglob("*.py"))
    for file in (*files, ROOT / "requirements" / "runtime.txt"):
        digest.update(f"{file}\n".encode() + file.read_bytes())
    return digest.hexdigest()
