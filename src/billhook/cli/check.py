"""``billhook check``: every problem in an integration file, with its place and its remedy."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import click

from billhook.cli.output import problem_object, tell_json, tell_notes
from billhook.cli.values import read_file
from billhook.engine.config import CommandConfig, IntegrationConfig
from billhook.engine.errors import ConfigurationError, Problem
from billhook.engine.integration import try_to_compile
from billhook.engine.integration_file.file import locate


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def check(file: Path, *, as_json: bool) -> None:
    """Report every problem in an integration file, with its place and how to fix it."""
    text, integration, problems = read_file(file)
    notes = locate(check_integration(integration, problems, text), text)
    names = [command.name for command in integration.commands]
    if as_json:
        objects = [problem_object(note) for note in notes]
        tell_json({"ok": True, "commands": names, "notes": objects})
        return
    tell_notes(notes)
    commands = "1 command" if len(names) == 1 else f"{len(names)} commands"
    click.echo(f"{file}: no problems in {commands}.")


def check_integration(
    integration: IntegrationConfig, form_problems: tuple[Problem, ...], text: str
) -> tuple[Problem, ...]:
    """Compile every part; raise with all problems together, or return the notes."""
    compilation = try_to_compile(_with_readable_commands(integration, form_problems))
    found = compilation.problems
    if any(_is_in(problem, "authentication") for problem in form_problems):
        found = tuple(problem for problem in found if not _is_in(problem, "authentication"))
    problems = dict.fromkeys((*form_problems, *found))
    if problems:
        raise ConfigurationError(locate(problems, text))
    notes = compilation.integration.notes
    if not integration.commands:
        message = "The file has no command yet. Add a table such as [commands.GetInvoiceImage]."
        notes = (*notes, Problem(code="no-command", message=message))
    return notes


def _with_readable_commands(
    integration: IntegrationConfig, form_problems: tuple[Problem, ...]
) -> IntegrationConfig:
    """Leave out commands that couldn't be read whole: what is missing there is reported already."""

    def is_readable(command: CommandConfig) -> bool:
        found = [each for each in form_problems if _is_in(each, f"commands.{command.name}")]
        return all(problem.code == "unknown-key" for problem in found)

    return replace(integration, commands=tuple(filter(is_readable, integration.commands)))


def _is_in(problem: Problem, where: str) -> bool:
    return problem.where == where or problem.where.startswith(f"{where}.")
