"""``billhook run``: run a command of a file and write the document that came back."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

import click

from billhook.cli.document_output import choose_output, write_document
from billhook.cli.output import tell_json, tell_notes
from billhook.cli.progress import progress_line
from billhook.cli.values import PreparedCommand, command_arguments, prepare
from billhook.engine.answer.document import Document
from billhook.engine.authentication.file_token_store import FileTokenStore
from billhook.engine.egress.policy import EgressPolicy
from billhook.engine.egress.proxy import OutgoingProxy
from billhook.engine.errors import BillhookError
from billhook.engine.http.trace import Trace
from billhook.engine.record import new_run_id


@click.command()
@command_arguments
@click.option(
    "-o",
    "out",
    metavar="OUT",
    help="The file to write; - means standard output. With --json and without -o the document "
    "is only checked.",
)
@click.option(
    "--allow",
    multiple=True,
    metavar="HOST:PORT",
    help="Let the command reach this private system.",
)
@click.option(
    "--proxy",
    metavar="http://HOST:PORT",
    help="The outgoing proxy, by which everything that isn't allowed by --allow is reached.",
)
@click.option(
    "--tokens",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Where OAuth 2 tokens are kept from one run to the next; the file is made if need be.",
)
@click.option(
    "--attachments",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    metavar="FOLDER",
    help="The folder for XML that came with the document in a zip.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def run(
    file: Path,
    command: str,
    values: tuple[str, ...],
    secrets: tuple[str, ...],
    variables: tuple[str, ...],
    *,
    out: str | None,
    allow: tuple[str, ...],
    proxy: str | None,
    tokens: Path | None,
    attachments: Path | None,
    as_json: bool,
) -> None:
    """Run a command and write the document that the source returns.

    Values are text (Name=INV-1) or JSON (Name:=42, Name:=null). The exit status is 2 for a problem
    in the arguments or the file, 3 if the source has no such document, 4 if it failed, and 5 if
    its address is not allowed.
    """
    path = choose_output(out, as_json=as_json)
    policy = EgressPolicy.from_texts(
        allow=allow, also_led=True, proxy=OutgoingProxy.parse(proxy) if proxy else None
    )
    run_id = new_run_id()
    prepared = prepare(
        file=file,
        command=command,
        values=values,
        secrets=secrets,
        variables=variables,
        run_id=run_id,
    )
    if not as_json:
        tell_notes(prepared.command.notes)
    trace = Trace()
    token_store = FileTokenStore(tokens) if tokens else None
    with asyncio.run(_run(prepared, policy, token_store, trace, run_id)) as document:
        if path is not None or not as_json:
            write_document(document, path)
        files = [] if attachments is None else _write_attachments(document, attachments)
        if as_json:
            tell_json(_result(document, path, trace, run_id, files))
        elif path is not None:
            click.echo(f"{path}: {document.media_type}, {document.size:,} bytes.")


async def _run(
    prepared: PreparedCommand,
    policy: EgressPolicy,
    token_store: FileTokenStore | None,
    trace: Trace,
    run_id: str,
) -> Document:
    source = prepared.integration.open(
        secrets=prepared.secrets, policy=policy, token_store=token_store
    )
    name = prepared.command.name
    async with source, progress_line(trace, shown=sys.stderr.isatty()):
        try:
            return await source.run(name, prepared.tokens, trace=trace, run_id=run_id)
        except BillhookError as error:
            if error.step == name:
                error.step = ""  # the step of a command with one request has no name
            raise


def _write_attachments(document: Document, folder: Path) -> list[Path]:
    """Write the files that came with *document* into *folder*, and return their paths."""
    files = []
    for number, attachment in enumerate(document.attachments, start=1):
        path = folder / (attachment.name or f"{number}.{attachment.extension}")
        write_document(attachment, path)
        files.append(path)
    return files


def _attachment(document: Document, path: Path | None) -> dict[str, Any]:
    return {
        "media_type": document.media_type,
        "bytes": document.size,
        "name": document.name,
        "file": None if path is None else str(path),
    }


def _result(
    document: Document, path: Path | None, trace: Trace, run_id: str, files: Sequence[Path]
) -> dict[str, Any]:
    attached = zip_longest(document.attachments, files)
    return {
        "ok": True,
        "document": {
            "media_type": document.media_type,
            "bytes": document.size,
            "sha256": document.sha256,
            "file": None if path is None else str(path),
        }
        | ({"name": document.name} if document.name else {})
        | (
            {"attachments": [_attachment(each, at) for each, at in attached]}
            if document.attachments
            else {}
        ),
        "attempts": [attempt.as_dict() for attempt in trace.attempts],
        "run": run_id,
    }
