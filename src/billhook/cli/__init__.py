"""The command line, for people who connect a system and for operators."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, Final, NoReturn

import click
from click.shell_completion import CompletionItem

from billhook.cli.output import (
    Failure,
    as_failure,
    interruption,
    settle_output,
    tell_failure,
)
from billhook.engine.tokens.catalogue import nearest

COMMANDS: Final = {
    "demo": "Start a portal and a sample billing system, and show one VIEW.",
    "serve": "Serve the portal and the gateway.",
    "work": "Work on jobs alone, as on a node of its own.",
    "health": "Ask a running server whether it is alive.",
    "check": "Report every problem in an integration file.",
    "fill": "Show what would be sent; send nothing.",
    "run": "Run a command and write the document.",
    "sync": "Read the lists of a file, and report; store nothing.",
    "presets": "List the files for known systems, and show one.",
    "completion": "Let a shell complete commands and options.",
}
FOR_OPERATORS: Final = {
    "doctor": "Check an installation, and explain what to fix.",
    "backup": "Write the database, the keys and the settings into one file.",
    "restore": "Make an installation out of a backup.",
    "mail": "Send a test mail, and take mail that comes back.",
    "organisations": "List the organisations, and add one.",
    "members": "List, add and change members.",
    "contacts": "Import customers and contacts.",
    "invoices": "Import invoices.",
    "sessions": "Sign people out.",
    "rotate-secrets": "Encrypt every stored secret with a new key.",
}
"""The commands that work on an installation; their modules are in ``operations``."""
EVERY_COMMAND: Final = {**COMMANDS, **FOR_OPERATORS}
"""Each command, with its line of help. Its module is loaded only when it is used."""


class _LazyGroup(click.Group):
    """A group that loads the module of one command only, so that `check` loads no server."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(EVERY_COMMAND)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in EVERY_COMMAND:
            return None
        name = cmd_name.replace("-", "_")
        folder = "operations." if cmd_name in FOR_OPERATORS else ""
        command: click.Command = getattr(import_module(f"{__name__}.{folder}{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in EVERY_COMMAND and not args[0].startswith("-"):
            near = nearest(args[0], EVERY_COMMAND)
            advice = f"Did you mean {near}?" if near else f"There are {', '.join(EVERY_COMMAND)}."
            raise click.UsageError(f'There is no command "{args[0]}". {advice}', ctx)
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the commands that begin so, without loading any of them, and our own options."""
        names = (item for item in EVERY_COMMAND.items() if item[0].startswith(incomplete))
        commands = [CompletionItem(name, help=text) for name, text in names]
        return [*commands, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        for title, commands in (("Commands", COMMANDS), ("For operators", FOR_OPERATORS)):
            with formatter.section(title):
                formatter.write_dl(list(commands.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="billhook", message="%(prog)s %(version)s")
def billhook() -> None:
    """Show the invoice that your own system made."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit: 0 done, 2 usage, 3 no document, 4 source failed, 5 denied.

    With ``--json`` there is one object on standard output, whatever happens.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    outcome = _outcome(given)
    if isinstance(outcome, Failure):
        tell_failure(outcome, as_json="--json" in given)
        outcome = outcome.status
    settle_output()
    sys.exit(outcome)


def _outcome(arguments: list[str]) -> Failure | Any:
    """Run the command line and return its exit status, or why it failed."""
    try:
        return billhook.main(args=arguments, prog_name="billhook", standalone_mode=False)
    except (click.Abort, KeyboardInterrupt):
        return interruption()
    except Exception as error:  # noqa: BLE001 - the outermost edge: nothing of it may leak
        return as_failure(error)
