"""Processes of Billhook for tests, forked from one that has imported other people's code already.

A command takes half a second of processor time to import Django, aiohttp and the like; a forked one
has that behind it. From there on it is a process like any other: with arguments, environment,
folder and streams of its own, with signals and an exit status. tests/cli/test_main.py, tests/demo
and tests/package start real ones.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import signal
import socket  # noqa: TID251 - for talking to the process that forks
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import cache
from os import environ  # noqa: TID251 - a process gets it, as it is given
from pathlib import Path
from typing import Any

_IMPORTED = (
    "aiohttp",
    "allauth",
    "argparse",
    "babel.dates",
    "billhook.cli",
    "billhook.engine.run",
    "billhook.engine.integration_file",
    "cryptography.x509",
    "django.core.handlers.asgi",
    "django.core.management",
    "django.core.serializers.json",
    "django.db.backends.sqlite3.base",
    "django.db.migrations.executor",
    "django.db.models",
    "django.forms",
    "django.template.loader",
    "django.test",
    "django.urls",
    "jwt",
    "lxml.etree",
    "oauthlib.oauth2",
    "PIL.Image",
    "psycopg",
    "pydantic",
    "regex",
    "reportlab.pdfgen.canvas",
    "structlog",
    "uvicorn",
    "uvloop",
)
"""Modules that read no setting as they are imported, with what they import in turn."""
_LONGEST = 1 << 20
BILLHOOK = (sys.executable, "-m", "billhook.cli")


class ForkedPopen(subprocess.Popen[Any]):
    """As subprocess.Popen, for ``[sys.executable, SCRIPT or -m MODULE, ARGUMENT…]``."""

    _status: socket.socket

    def _execute_child(self, args: Any, executable: Any, *more: Any) -> None:
        """Have the process forked. See the method of the standard library that this replaces."""
        preexec_fn, _close_fds, pass_fds, cwd, env, _info, _flags, shell = more[:8]
        p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite = more[8:14]
        process_group = more[-1]
        assert not any((executable, preexec_fn, pass_fds, shell)), "this one knows none of these"
        assert args[0] == sys.executable
        streams = [own if own >= 0 else given for own, given in
                   ((p2cread, 0), (c2pwrite, 1), (errwrite, 2))]  # fmt: skip
        self._status, theirs = socket.socketpair()
        order = {
            "arguments": [str(argument) for argument in args[1:]],
            "folder": os.fspath(cwd or Path.cwd()),
            "environment": dict(environ if env is None else env),
            "group": process_group,
        }
        try:
            with theirs:
                socket.send_fds(
                    _forking().orders, [json.dumps(order).encode()], [*streams, theirs.fileno()]
                )
            self.pid = int(self._line())
            self._child_created = True
        finally:
            self._close_pipe_fds(p2cread, p2cwrite, c2pread, c2pwrite, errread, errwrite)

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            received = self._status.recv(1)
            if not received:
                raise ChildProcessError("the process that forks has ended")
            line += received
        return line

    def _internal_poll(self, *_: Any, **__: Any) -> int | None:
        if self.returncode is None:
            self._status.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                self._note_end()
        return self.returncode

    def _try_wait(self, wait_flags: int) -> tuple[int, int]:
        self._status.setblocking(not wait_flags & os.WNOHANG)
        with contextlib.suppress(BlockingIOError):
            self._note_end()
            return self.pid, 0 if self.returncode >= 0 else -self.returncode
        return 0, 0

    def _handle_exitstatus(self, *_: Any, **__: Any) -> None:
        """The exit status is noted already."""

    def _note_end(self) -> None:
        if self.returncode is None:
            self.returncode = os.waitstatus_to_exitcode(int(self._line()))
            self._status.close()


def start(command: Sequence[str | Path], **options: Any) -> subprocess.Popen[Any]:
    """Fork a process of ours, or start one of another program, as subprocess.Popen does."""
    popen = ForkedPopen if command[0] == sys.executable else subprocess.Popen
    return popen(command, **options)


def run(
    command: Sequence[str | Path],
    *,
    input: str | None = None,  # noqa: A002 - the name of subprocess.run
    timeout: float | None = None,
    **options: Any,
) -> subprocess.CompletedProcess[str]:
    """Start a process, wait for its end, and return what it wrote, as text."""
    stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
    streams = {"stdin": stdin, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with start(command, text=True, **streams, **options) as process:
        try:
            out, err = process.communicate(input, timeout)
        except BaseException:
            process.kill()
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


class _Forking:
    """The process that forks: one for each process of the tests, and it ends with it."""

    def __init__(self) -> None:
        self.orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )


_forking = cache(_Forking)


def _fork_on_order(orders: socket.socket) -> dict[str, Any] | None:
    """Fork a process for each order. Returns in each of them; None at the end of the tests."""
    while True:
        order, streams, _flags, _address = socket.recv_fds(orders, _LONGEST, 4)
        if not order:
            return None
        if os.fork() == 0:
            break
        for stream in streams:
            os.close(stream)
    orders.close()
    status = streams.pop()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    child = os.fork()
    if child:  # this one reports
        for number, stream in enumerate(streams):
            os.close(stream)
            os.close(number)
        os.write(status, f"{child}\n".encode())
        ended = os.waitpid(child, 0)[1]
        with contextlib.suppress(BrokenPipeError):
            os.write(status, f"{ended}\n".encode())
        os._exit(0)
    os.close(status)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    return json.loads(order)


def main() -> None:
    """Import, and fork until the tests end; then be what was asked for, in the fork."""
    for name in _IMPORTED:
        importlib.import_module(name)
    gc.freeze()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    order = _fork_on_order(socket.socket(fileno=int(sys.argv[1])))
    if order is None:
        return
    if order["group"] is not None and order["group"] >= 0:
        os.setpgid(0, order["group"])
    environ.clear()
    environ.update(order["environment"])
    time.tzset()
    os.chdir(order["folder"])
    arguments = order["arguments"]
    is_module = arguments[0] == "-m"
    here = order["folder"] if is_module else str(Path(arguments[0]).parent)
    sys.path[:1] = [here, *filter(None, environ.get("PYTHONPATH", "").split(os.pathsep))]
    sys.argv = arguments[is_module:]
    if is_module:
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main()
