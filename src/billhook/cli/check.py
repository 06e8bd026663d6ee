"""``billhook check``: every mistake in an integration file, with its place and its remedy."""

from __future__ import annotations

from pathlib import Path

import click

from billhook.cli.output import problem_object, tell_json, tell_notes
from billhook.cli.values import read_file
from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.tls import compile_tls
from billhook.engine.command.compile import compile_command
from billhook.engine.config import IntegrationConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration_file.file import locate


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(file: Path, *, as_json: bool) -> None:
    """Tell every mistake in an integration file, with where it is and how to mend it."""
    text, integration, problems = read_file(file)
    notes = locate(check_integration(integration, problems, text), text)
    names = [command.name for command in integration.commands]
    if as_json:
        objects = [problem_object(note) for note in notes]
        tell_json({"ok": True, "commands": names, "notes": objects})
        return
    tell_notes(notes)
    commands = "1 command" if len(names) == 1 else f"{len(names)} commands"
    click.echo(f"{file}: no mistakes in {commands}.")


def check_integration(
    integration: IntegrationConfig, form_problems: tuple[Problem, ...], text: str
) -> tuple[Problem, ...]:
    """Compile every command; raise with all mistakes together, or return the notes."""
    connection_problems, connection_notes = _check_connection(integration, form_problems)
    problems = dict.fromkeys((*form_problems, *connection_problems))
    notes = dict.fromkeys(connection_notes)
    for config in integration.commands:
        here = [problem for problem in form_problems if _is_in(problem, f"commands.{config.name}")]
        if any(problem.code != "unknown-key" for problem in here):
            continue  # what is missing there would be complained of a second time
        try:
            command = compile_command(
                config,
                variables=integration.variables,
                secrets=integration.secrets,
                authentication=integration.authentication,
            )
            notes |= dict.fromkeys(command.notes)
        except ConfigurationError as error:
            problems |= dict.fromkeys(error.problems)
    if problems:
        raise ConfigurationError(locate(problems, text))
    if not integration.commands:
        message = "The file has no command yet. Add a table such as [commands.GetInvoiceImage]."
        notes[Problem(code="no-command", message=message)] = None
    return tuple(notes)


def _check_connection(
    integration: IntegrationConfig, form_problems: tuple[Problem, ...]
) -> tuple[list[Problem], list[Problem]]:
    """Compile sign-in and TLS; return the mistakes, and the notes."""
    problems: list[Problem] = []
    notes: list[Problem] = []
    authentication, tls = integration.authentication, integration.tls
    try:
        if authentication is not None and not any(
            _is_in(each, "authentication") for each in form_problems
        ):
            plan = compile_authentication(
                authentication, variables=integration.variables, secrets=integration.secrets
            )
            notes += plan.notes
    except ConfigurationError as error:
        problems += error.problems
    try:
        if tls is not None:
            compile_tls(tls, secrets=integration.secrets)
    except ConfigurationError as error:
        problems += error.problems
    return problems, notes


def _is_in(problem: Problem, where: str) -> bool:
    return problem.where == where or problem.where.startswith(f"{where}.")
