"""A package index on loopback: every locked release, and a newer one of each that nobody wants.

The wheels have the real metadata of the installed packages and, except for the build backend, none
of their files: what pip decides depends on the metadata alone.
"""

from __future__ import annotations

import base64
import hashlib
import io
import os
import re
import threading
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

NEWER = "999.0"
SET_UP_TOOLS = frozenset({"pip", "setuptools"})
"""Packages that venv itself brings."""


@dataclass(frozen=True, kw_only=True)
class Wheel:
    """A wheel as the index serves it."""

    name: str
    version: str
    content: bytes

    @property
    def file_name(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}-py3-none-any.whl"

    @property
    def digest(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def locked_here(lock: Path) -> dict[str, str]:
    """Return the names and versions in *lock* that are for this Python and platform."""
    requirements = [
        Requirement(line) for line in re.findall(r"^(\S+==.*?) \\$", lock.read_text(), re.MULTILINE)
    ]
    return {
        canonicalize_name(one.name): str(one.specifier).removeprefix("==")
        for one in requirements
        if one.marker is None or one.marker.evaluate()
    }


def make_wheel(name: str, version: str, *, with_files: bool) -> Wheel:
    """Make a wheel of *version* from the metadata, and perhaps the files, installed here."""
    installed = distribution(name)
    folder = f"{name.replace('-', '_')}-{version}.dist-info"
    metadata = re.sub(r"(?m)^Version: .*$", f"Version: {version}", metadata_of(installed), count=1)
    files = {f"{folder}/METADATA": metadata.encode()}
    files[f"{folder}/WHEEL"] = b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if with_files:
        files |= files_of(installed)
        files[f"{folder}/entry_points.txt"] = (
            installed.read_text("entry_points.txt") or ""
        ).encode()
    files[f"{folder}/RECORD"] = record(files, folder)
    return Wheel(name=name, version=version, content=zipped(files))


def metadata_of(installed: Distribution) -> str:
    """Return the metadata's header, which has name, version, requirements and extras."""
    return (installed.read_text("METADATA") or "").partition("\n\n")[0] + "\n\n"


def files_of(installed: Distribution) -> dict[str, bytes]:
    """Return the modules and data of an installed package."""
    return {
        str(file): Path(str(file.locate())).read_bytes()
        for file in installed.files or []
        if ".." not in file.parts and ".dist-info" not in str(file) and file.suffix != ".pyc"
    }


def record(files: Mapping[str, bytes], folder: str) -> bytes:
    """Return the list of files with their hashes, as a wheel has it."""
    lines = [f"{folder}/RECORD,,"]
    for name, content in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}")
    return "\n".join(lines).encode()


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Return a zip archive of *files*."""
    with io.BytesIO() as stream:
        with zipfile.ZipFile(stream, "w") as archive:
            for name, content in files.items():
                archive.writestr(name, content)
        return stream.getvalue()


class Index:
    """Simple pages (PEP 503) and files. It can stall at one file, as networks do."""

    def __init__(self, locks: Path, names: tuple[str, ...]) -> None:
        locked = {
            name: v for lock in names for name, v in locked_here(locks / f"{lock}.txt").items()
        }
        needed_to_build = locked_here(locks / "build.txt")
        self.wheels = [
            make_wheel(name, version, with_files=name in needed_to_build)
            for name, locked_version in locked.items()
            for version in (locked_version, NEWER)
        ]
        self.port = 0
        self.stalls_at = ""
        self.stalled = threading.Event()
        self.goes_on = threading.Event()

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which pip uses this index and nothing else."""
        ours = ("pip_", "http", "all_proxy", "no_proxy")
        everything = os.environ  # noqa: TID251 - a child needs the rest
        kept = {name: v for name, v in everything.items() if not name.lower().startswith(ours)}
        return kept | {
            "PIP_INDEX_URL": f"http://127.0.0.1:{self.port}/simple/",
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_NO_CACHE_DIR": "1",
        }

    def response(self, path: str) -> bytes | None:
        """Return the page or file at *path*."""
        kind, _, name = path.strip("/").partition("/")
        if kind == "simple":
            links = [
                f'<a href="/files/{one.file_name}#sha256={one.digest}">{one.file_name}</a>'
                for one in self.wheels
                if one.name == name
            ]
            return f"<!DOCTYPE html><html><body>{''.join(links)}</body></html>".encode()
        if self.stalls_at and name.startswith(self.stalls_at):
            self.stalled.set()
            self.goes_on.wait(60)
        return next((one.content for one in self.wheels if one.file_name == name), None)

    def locks_for(self, source: Path, target: Path, *, versions: Mapping[str, str] = {}) -> Path:
        """Copy the lock files of *source*, with the hashes that the wheels have here."""
        target.mkdir()
        digests = {(one.name, one.version): one.digest for one in self.wheels}
        for lock in source.glob("*.txt"):
            entries = re.split(r"(?m)^(?=\S)", lock.read_text())
            (target / lock.name).write_text(
                "".join(_with_our_hash(e, digests, versions) for e in entries)
            )
        return target


def _with_our_hash(
    entry: str, digests: Mapping[tuple[str, str], str], versions: Mapping[str, str]
) -> str:
    head = entry.partition("\\")[0]
    if not head.strip():
        return ""
    requirement = Requirement(head)
    name = canonicalize_name(requirement.name)
    locked = str(requirement.specifier).removeprefix("==")
    version = versions.get(name, locked)
    digest = digests.get((name, version))
    if digest is None:
        return entry
    return f"{head.replace(f'=={locked}', f'=={version}')}\\\n    --hash=sha256:{digest}\n"


@contextmanager
def serving(index: Index) -> Iterator[Index]:
    """Serve *index* on loopback."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            content = index.response(self.path)
            self.send_response(404 if content is None else 200)
            kind = "text/html" if "/simple/" in self.path else "application/octet-stream"
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content or b"")))
            self.end_headers()
            self.wfile.write(content or b"")

        def log_message(self, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None:
            """Say nothing of clients that were ended."""

    with Server(("127.0.0.1", 0), Handler) as server:
        index.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield index
        finally:
            index.goes_on.set()
            server.shutdown()
            thread.join()
