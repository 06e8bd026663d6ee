"""``billhook fill``: what would be sent, with secrets masked; nothing is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

from billhook.cli.output import printable, tell_json, tell_notes
from billhook.cli.values import PreparedCommand, command_arguments, prepare
from billhook.engine.command.preview import MaskedRequest
from billhook.engine.secret import Secret

_NOT_GIVEN: Final = Secret("not-given")
"""Replaces a secret whose value isn't given: it is masked like any other."""


@click.command()
@command_arguments
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def fill(
    file: Path,
    command: str,
    values: tuple[str, ...],
    secrets: tuple[str, ...],
    variables: tuple[str, ...],
    *,
    as_json: bool,
) -> None:
    """Show the requests that a command would send, with secrets masked. Nothing is sent.

    Values are text (Name=INV-1) or JSON (Name:=42, Name:=null). Secrets need not be given.
    """
    prepared = prepare(
        file=file,
        command=command,
        values=values,
        secrets=secrets,
        variables=variables,
        stand_in=_NOT_GIVEN,
    )
    requests = _with_authentication(prepared, prepared.command.preview(prepared.values))
    if as_json:
        tell_json({"ok": True, "requests": [_request_object(request) for request in requests]})
        return
    tell_notes(prepared.command.notes)
    click.echo(printable("\n\n".join(_describe(request) for request in requests)))


def _with_authentication(
    prepared: PreparedCommand, requests: tuple[MaskedRequest, ...]
) -> tuple[MaskedRequest, ...]:
    """Add what the integration's authentication adds; all of it is masked."""
    plan = prepared.integration.authentication
    if plan is None:
        return requests
    from billhook.engine.authentication.preview import with_authentication

    return tuple(with_authentication(request, plan) for request in requests)


def _request_object(request: MaskedRequest) -> dict[str, Any]:
    return {
        "step": request.step,
        "method": request.method,
        "url": request.url.text,
        "headers": [[name, value.text] for name, value in request.headers],
        "body": None if request.body is None else request.body.text,
    }


def _describe(request: MaskedRequest) -> str:
    """Return *request* as it looks on the wire, with its step's name above."""
    when = f" (only if {request.only_after} finds nothing)" if request.only_after else ""
    lines = [f"# {request.step}{when}", f"{request.method} {request.url.text}"]
    lines += [f"{name}: {value.text}" for name, value in request.headers]
    if request.body is not None and request.body.text:
        lines += ["", request.body.text]
    return "\n".join(lines)
