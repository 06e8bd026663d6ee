"""Writes ``docs/commands.md``: every command with its arguments and options, as click has them."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Final

import click

from billhook.cli import COMMANDS, FOR_OPERATORS, billhook

_HEAD: Final = """\
# Commands

<!-- Made from billhook/cli by `python -m billhook.cli.reference`. -->

`billhook COMMAND --help` prints the same on a terminal. With `--json`, where a command has it,
there is one object on standard output, whatever happens: `{"ok": true, …}`, or
`{"ok": false, "error": {"code", "message", "where"}}`. The exit status is 0 when the command is
done, and 2 if something has to be changed first: an argument, a file, a setting, the installation.
`billhook run` also has 3, 4 and 5; `billhook doctor` and `billhook health` have 1.
"""
_OPERATORS: Final = """\
## For operators

These work on an installation that exists. They never make one: a data folder that doesn't exist,
or that isn't Billhook's, is refused (`billhook restore` alone wants a new one). Settings come from
the same environment variables as for the server ([settings.md](settings.md)); `--data-dir` is the
same as `BILLHOOK_DATA_DIR`. Run them as the user that runs the server; root acts as that user on
the data folder. The server may go on running.

A password or passphrase is never an argument, where other programs and the shell's history would
have it. The options say where it is: `prompt` asks on the terminal, `stdin` reads one line,
`env:VARIABLE` and `file:PATH` read it there.
"""
_KINDS: Final = {
    "path": "PATH",
    "directory": "PATH",
    "integer": "NUMBER",
    "integer range": "NUMBER",
}


def as_markdown() -> str:
    """Return the whole page."""
    lines = [_HEAD, *_section(COMMANDS, 2), _OPERATORS, *_section(FOR_OPERATORS, 3)]
    return "\n".join(lines)


def _section(names: dict[str, str], level: int) -> Iterator[str]:
    context = click.Context(billhook, info_name="billhook")
    for name in names:
        command = billhook.get_command(context, name)
        if command is not None:
            yield from _command(command, click.Context(command, context, info_name=name), level)


def _command(command: click.Command, context: click.Context, level: int) -> Iterator[str]:
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from _command(inner, click.Context(inner, context, info_name=name), level)
        return
    usage = " ".join(command.collect_usage_pieces(context))
    yield from (f"{'#' * level} `{context.command_path}`", "")
    yield from ("```", f"{context.command_path} {usage}", "```", "")
    yield from (*_paragraphs(command), "")
    options = [o for o in command.params if isinstance(o, click.Option) and not o.hidden]
    if options:
        yield from ("| option | meaning |", "|---|---|", *map(_row, options), "")


def _paragraphs(command: click.Command) -> list[str]:
    return inspect.cleandoc(command.help or "").splitlines()


def _row(option: click.Option) -> str:
    names = ", ".join((*option.opts, *option.secondary_opts))
    value = "" if option.is_flag else f" {_metavar(option)}"
    default = f" [default: {option.default}]" if option.show_default else ""
    return f"| `{names}{value}` | {option.help}{default} |"


def _metavar(option: click.Option) -> str:
    if option.metavar:
        return option.metavar.replace("|", "\\|")
    if isinstance(option.type, click.Choice):
        return "\\|".join(map(str, option.type.choices))
    return _KINDS.get(option.type.name, "TEXT")


if __name__ == "__main__":
    print(as_markdown(), end="")  # noqa: T201 - its only purpose
