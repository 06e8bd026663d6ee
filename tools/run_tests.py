"""Run every test: all of them on SQLite, then those that use the database on PostgreSQL.

Browser tests need Chromium, the tests of the samples for web servers need nginx and Caddy, and the
second round needs PostgreSQL. All are installed where that is possible (root, with apt), and so are
the real systems that the laboratory runs; where it isn't, one line says what was left out.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EVERYTHING = ("tests",)
STORING = ("tests/nodes", "tests/portal", "tests/server")
"""The folders with tests that read and write the database."""


def main(arguments: Sequence[str]) -> int:
    """Prepare what the tests need, run them, and return the exit status."""
    shell = "chromium-headless-shell"
    chromium = find_or_install(partial(find_program, shell), shell) or find_or_install(
        find_chromium, "chromium"
    )
    if chromium is None:
        print("Left out: the browser tests, since there is no Chromium and it can't be installed.")
    for name in ("nginx", "caddy"):
        if find_or_install(partial(find_program, name), name) is None:
            print(f"Left out: the tests of the samples for {name}, which can't be installed.")
    prepare_lab()
    compile_tests()
    status = run_pytest(EVERYTHING, arguments, BILLHOOK_CHROMIUM=str(chromium or ""))
    postgres = find_or_install(find_postgres, "postgresql")
    if postgres is None:
        print("Left out: PostgreSQL, since it isn't here and can't be installed.")
        return status
    with postgres_server(postgres) as url:
        return status or run_pytest(STORING, arguments, BILLHOOK_DATABASE_URL=url)


def prepare_lab() -> None:
    """Install the real systems of tests/lab/real that Billhook's own environment doesn't have."""
    if find_or_install(partial(find_program, "apache2"), "apache2-bin") is None:
        print("Left out: the tests against Apache's Digest, which can't be installed.")
    if find_or_install(partial(find_program, "dovecot"), "dovecot-imapd") is None:
        print("Left out: the tests against Dovecot, which can't be installed.")
    venv = ROOT / f".venv-lab-{sys.version_info.major}.{sys.version_info.minor}"
    if run([sys.executable, ROOT / "tools" / "set_up.py", "lab", "--venv", venv]) != 0:
        print("Left out: the tests against Tryton and moto, whose packages can't be installed.")
    if (
        find_or_install(partial(find_program, "npm"), "npm") is None
        or run([sys.executable, "-m", "tools.set_up_node"]) != 0
    ):
        print("Left out: the tests against oidc-provider, which can't be installed with npm.")


def compile_tests() -> None:
    """Compile the tests of a new clone, a share for each processor.

    Else each process of pytest would compile all of them, at the same time.
    """
    if (ROOT / "tests" / "__pycache__").exists():
        return
    folders = [str(folder) for folder in sorted((ROOT / "tests").iterdir()) if folder.is_dir()]
    count = os.cpu_count() or 1
    collect = [sys.executable, "-m", "pytest", "--collect-only", "-q"]
    with ThreadPoolExecutor(count) as pool:
        for first in range(count):
            pool.submit(run, [*collect, *folders[first::count]], cwd=str(ROOT))


def run_pytest(
    places: Sequence[str],
    arguments: Sequence[str],
    *,
    python: str | Path = sys.executable,
    **environment: str,
) -> int:
    """Run pytest on *places* with all processors, and say on which database.

    Many tests wait for a server or a browser, so there are two processes for each processor.
    """
    on = "PostgreSQL" if "BILLHOOK_DATABASE_URL" in environment else "SQLite"
    print(f"Tests on {on}:", flush=True)
    command = [python, "-m", "pytest", "-n", str(2 * (os.cpu_count() or 1))]
    return run([*command, *arguments, *places], environment=environment)


def run(
    command: Sequence[str | Path],
    *,
    environment: dict[str, str] | None = None,
    **options: str | None,
) -> int:
    """Run a command in the checkout (or quietly, as *user* in *cwd*); return its exit status."""
    merged = {**os.environ, **(environment or {})}
    merged.pop("PYTHONDONTWRITEBYTECODE", None)  # each of many processes would compile everything
    user, cwd = options.get("user"), options.get("cwd") or str(ROOT)
    output = subprocess.DEVNULL if "cwd" in options else None
    return subprocess.run(
        command, cwd=cwd, env=merged, user=user, stdout=output, check=False
    ).returncode


def find_or_install(find: Callable[[], Path | None], package: str) -> Path | None:
    """Return what *find* finds, after installing Debian's *package* if there is nothing yet."""
    found = find()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        print(f"Installing {package} …", flush=True)
        quiet = ["-qq", "-o", "Dpkg::Use-Pty=0"]
        install = ["install", "--yes", "--no-install-recommends", package]
        for arguments in (["update"], install):
            run(["apt-get", *quiet, *arguments], environment={"DEBIAN_FRONTEND": "noninteractive"})
        found = find()
    return found


def find_program(name: str) -> Path | None:
    """Return the program *name*."""
    found = shutil.which(name)
    return Path(found) if found else None


def find_chromium() -> Path | None:
    """Return Chromium's program, under any of its names.

    The headless shell comes first: without windows, it takes a third of the processor time.
    """
    names = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
    return next((Path(path) for name in names if (path := shutil.which(name))), None)


def find_postgres() -> Path | None:
    """Return the folder that holds PostgreSQL's own programs, the newest first."""
    debian = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3])
    )
    if debian:
        return debian[-1].parent
    initdb = shutil.which("initdb")
    return Path(initdb).resolve().parent if initdb else None


@contextlib.contextmanager
def postgres_server(programs: Path) -> Iterator[str]:
    """Run a PostgreSQL of our own, in a folder that goes with it, and give its URL."""
    with tempfile.TemporaryDirectory(prefix="billhook-postgres-") as folder:
        owner = own_by_someone_else(folder)
        data, port = f"{folder}/data", free_port()
        initdb = [programs / "initdb", "-D", data, "-A", "trust", "-U", "billhook", "-E", "UTF8"]
        control = [programs / "pg_ctl", "-D", data, "-l", f"{folder}/log", "-s", "-w"]
        options = f"-F -p {port} -k {folder} -c listen_addresses=127.0.0.1 -c max_connections=200"
        for command in ([*initdb, "--no-sync"], [*control, "-o", options, "start"]):
            if run(command, user=owner, cwd=folder) != 0:
                raise SystemExit("PostgreSQL is installed, but a server of our own did not start.")
        try:
            yield f"postgresql://billhook@127.0.0.1:{port}/postgres"
        finally:
            run([*control, "-m", "immediate", "stop"], user=owner, cwd=folder)


def own_by_someone_else(folder: str) -> str | None:
    """Give *folder* to an unprivileged user when root runs the tests: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    owner = "postgres" if "postgres" in known else "nobody"
    shutil.chown(folder, owner)
    return owner


def free_port() -> int:
    """Return a port of loopback that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
