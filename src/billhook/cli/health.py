"""``billhook health``: asks a server on this machine whether it is alive, or ready."""

from __future__ import annotations

from http.client import HTTPConnection, HTTPException
from typing import Final

import click

from billhook.cli.output import Failure, tell_json

_STATUS: Final = 1
_SECONDS: Final = 4.0
_OK: Final = 200


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where the server listens.")
@click.option(
    "--port",
    default=8000,
    show_default=True,
    type=click.IntRange(1, 65535),
    help="The port on which it listens.",
)
@click.option(
    "--timeout",
    "seconds",
    default=_SECONDS,
    show_default=True,
    type=click.FloatRange(0.1, 60),
    metavar="NUMBER",
    help="How long to wait for the answer.",
)
@click.option("--ready", is_flag=True, help="Also ask whether its database can be used.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def health(host: str, port: int, *, seconds: float, ready: bool, as_json: bool) -> Failure | None:
    """Ask a running server whether it is alive: exit status 0 if so, else 1.

    For health checks of containers and service managers. It asks the server directly, without
    any proxy.
    """
    path = "/readyz" if ready else "/healthz"
    try:
        status, body = _ask(host, port, path, seconds)
    except TimeoutError:
        return _failure(
            f"The server on {host} port {port} gave no answer within {seconds:g} seconds. "
            f"It may have too much to do, or hang."
        )
    except (OSError, HTTPException):
        return _failure(f"No server answers on {host} port {port}. Is billhook serve running?")
    if status != _OK:
        return _failure(f"The server answers {path} with status {status}: {body}")
    if as_json:
        tell_json({"ok": True})
    else:
        click.echo("ready" if ready else "alive")
    return None


def _ask(host: str, port: int, path: str, seconds: float) -> tuple[int, str]:
    connection = HTTPConnection(host, port, timeout=seconds)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read(1000).decode(errors="replace").strip()
    finally:
        connection.close()


def _failure(message: str) -> Failure:
    return Failure(status=_STATUS, code="not-healthy", message=message)
