"""``billhook doctor``: a check of an installation, with advice."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from billhook.cli.operations.options import operator_options
from billhook.cli.output import printable, tell_json

if TYPE_CHECKING:
    from billhook.server.doctor.finding import Finding

BROKEN_STATUS: Final = 1
_COLOURS: Final = {"ok": "green", "warning": "yellow", "broken": "red"}
_WIDTH: Final = 14


@click.command()
@operator_options
def doctor(data_dir: Path | None, *, as_json: bool) -> None:
    """Check an installation, and say how to fix everything that is wrong.

    Nothing is changed and no mail is sent. The exit status is 1 if something is broken; warnings
    leave it 0.
    """
    from billhook.server.doctor.examination import examine
    from billhook.server.doctor.finding import Level

    examination = examine(data_dir)
    broken = examination.of(Level.BROKEN)
    if as_json:
        tell_json(_report(examination.findings, broken))
    else:
        _tell(examination.findings, len(broken), len(examination.of(Level.WARNING)))
    sys.exit(BROKEN_STATUS if broken else 0)


def _report(findings: tuple[Finding, ...], broken: tuple[Finding, ...]) -> dict[str, Any]:
    report: dict[str, Any] = {"ok": not broken}
    if broken:
        first = broken[0]
        report["error"] = {"code": first.code, "message": first.message, "where": first.check}
    return report | {"findings": [asdict(finding) for finding in findings]}


def _tell(findings: tuple[Finding, ...], broken: int, warnings: int) -> None:
    for finding in findings:
        level = click.style(finding.level.ljust(8), fg=_COLOURS[finding.level])
        click.echo(f"{level} {printable(finding.check.ljust(_WIDTH))} {printable(finding.message)}")
    click.echo()
    if broken:
        click.echo(f"{broken} broken, {_warnings(warnings)}.")
    elif warnings:
        click.echo(f"Nothing is broken; {_warnings(warnings)}.")
    else:
        click.echo("All is well.")


def _warnings(number: int) -> str:
    return "1 warning" if number == 1 else f"{number} warnings"
