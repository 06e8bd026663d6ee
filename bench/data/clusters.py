"""A PostgreSQL of the comparison's own, where its programs are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import cpu_seconds_of, free_port
from bench.tools import CannotRun

USER = "billhook"
_SETTINGS = ("shared_buffers=512MB", "max_wal_size=4GB", "unix_socket_directories=")


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """The address of a database, empty for SQLite, and the process that serves it, if it's ours."""

    url: str = ""
    process: int | None = None

    def cpu_seconds(self) -> float:
        """Return the processor time that it has used, as far as that is known."""
        return 0.0 if self.process is None else cpu_seconds_of(self.process)


@contextmanager
def own_cluster(folder: Path) -> Iterator[Database]:
    """Start the cluster in *folder*, made if it isn't there; yield its database."""
    programs, data, port = _programs(), folder / "postgresql", free_port()
    is_new = not data.exists()
    if is_new:
        _make(programs, data)
    settings = [part for each in (f"port={port}", *_SETTINGS) for part in ("-c", each)]
    server = subprocess.Popen(
        [*_as_user(), str(programs / "postgres"), "-D", str(data), *settings],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    try:
        _run(
            [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port), "-t", "60"], tries=60
        )
        if is_new:
            _run([str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", USER, USER])
        url = f"postgresql://{USER}@127.0.0.1:{port}/{USER}"
        yield Database(url=url, process=server.pid)
    finally:
        server.terminate()
        server.wait(60)


def _make(programs: Path, data: Path) -> None:
    data.mkdir()
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(data, "postgres")
        data.parent.chmod(0o755)
    _run([str(programs / "initdb"), "-D", str(data), "-A", "trust", "-U", USER])


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = str(found[-1]) if found else shutil.which("initdb")
    if path is None:
        raise CannotRun("Install PostgreSQL first, or name an empty database: --postgresql URL.")
    return Path(path).parent


def _as_user() -> list[str]:
    return (
        ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
        if os.geteuid() == 0
        else []
    )


def _run(command: list[str], *, tries: int = 1) -> None:
    for _ in range(tries):
        done = subprocess.run(
            [*_as_user(), *command], capture_output=True, text=True, cwd="/", check=False
        )
        if done.returncode == 0:
            return
        subprocess.run(["sleep", "1"], check=False)
    raise CannotRun(f"{command[0]} failed:\n{done.stderr[-2000:]}")
