"""Runs the sample billing system: ``python -m billhook.sample --port 0``."""

from __future__ import annotations

import argparse
import asyncio
import secrets
import signal
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from aiohttp import web

from billhook.sample.books import Books
from billhook.sample.ledger import make_ledger
from billhook.sample.server import SLOW_SECONDS, System, make_app

_HOST: Final = "127.0.0.1"


def main() -> int:
    """Serve until it is stopped; return the exit status."""
    options = _parser().parse_args()
    key = sys.stdin.readline().strip() if options.attached else secrets.token_urlsafe(18)
    books = Books(make_ledger(options.today), file=options.payments)
    system = System(books=books, key=key, slow_seconds=options.slow_seconds)
    try:
        asyncio.run(_serve(system, port=options.port, attached=options.attached))
    except OSError as error:
        reason = error.strerror or "no reason given"
        sys.stderr.write(f"Port {options.port} can't be used: {reason}. Choose another, or 0.\n")
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m billhook.sample",
        description="A sample billing system with 200 invoices, on this machine only.",
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument(
        "--today",
        type=date.fromisoformat,
        default=datetime.now(UTC).date(),
        help="the day on which the books are made (YYYY-MM-DD)",
    )
    parser.add_argument(
        "--slow-seconds",
        type=float,
        default=SLOW_SECONDS,
        help="how long the slow invoice takes (%(default)s)",
    )
    parser.add_argument(
        "--payments",
        type=Path,
        help="a file that keeps the payments made here",
    )
    parser.add_argument(
        "--attached",
        action="store_true",
        help="read the key from the first line of standard input, and stop when that closes",
    )
    return parser


async def _serve(system: System, *, port: int, attached: bool) -> None:
    stop = asyncio.Event()
    _stop_on_signals(stop)
    runner = web.AppRunner(make_app(system), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, _HOST, port, shutdown_timeout=1).start()
        _say_where(runner, key=None if attached else system.key)
        if attached:
            await _stop_when_input_ends(stop)
        await stop.wait()
    finally:
        await runner.cleanup()


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


async def _stop_when_input_ends(stop: asyncio.Event) -> None:
    """Watch standard input: it ends when the parent process ends, even by kill -9."""
    loop = asyncio.get_running_loop()

    class Watch(asyncio.Protocol):
        def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - its signature
            stop.set()

    await loop.connect_read_pipe(Watch, sys.stdin)


def _say_where(runner: web.AppRunner, *, key: str | None) -> None:
    host, port = runner.addresses[0][:2]
    sys.stdout.write(f"Listening on http://{host}:{port}\n")
    if key is not None:
        sys.stdout.write(f"X-Api-Key: {key}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
