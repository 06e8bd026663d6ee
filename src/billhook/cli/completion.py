"""``billhook completion``: commands, options and files that a shell completes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

import click
from click.shell_completion import get_completion_class

from billhook.cli.output import tell_json
from billhook.cli.values import fail

VARIABLE: Final = "_BILLHOOK_COMPLETE"
"""The environment variable with which a shell's script asks for completions."""
_HINTS: Final = {
    "bash": "New shells complete billhook, if the package bash-completion is installed.",
    "zsh": "Put these two lines into ~/.zshrc, unless they are there:\n"
    "  fpath=({folder} $fpath)\n"
    "  autoload -U compinit && compinit",
    "fish": "New shells complete billhook.",
}


@click.command()
@click.argument("shell", type=click.Choice(list(_HINTS)))
@click.option("--install", is_flag=True, help="Write the script to where the shell looks for it.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_context
def completion(ctx: click.Context, shell: str, *, install: bool, as_json: bool) -> None:
    """Print the completion script for SHELL (bash, zsh or fish), or install it for this user."""
    script = script_for(shell, ctx.find_root().command)
    if not install:
        if as_json:
            tell_json({"ok": True, "completion": {"shell": shell, "script": script}})
        else:
            click.echo(script)
        return
    file = place_of(shell)
    _write(file, script)
    if as_json:
        tell_json({"ok": True, "completion": {"shell": shell, "file": str(file)}})
    else:
        click.echo(f"{file} is written. {_HINTS[shell].format(folder=file.parent)}")


def script_for(shell: str, command: click.Command) -> str:
    """Return click's script, which asks *command* what can follow."""
    kind = get_completion_class(shell)
    if kind is None:
        fail("usage", f"There is no completion for {shell}.", where="SHELL")
    return kind(command, {}, "billhook", VARIABLE).source()


def place_of(shell: str) -> Path:
    """Return the file in which *shell* finds the completions of one user."""
    if shell == "bash":
        return _base("XDG_DATA_HOME", ".local/share") / "bash-completion/completions/billhook"
    if shell == "zsh":
        return _base("XDG_DATA_HOME", ".local/share") / "zsh/site-functions/_billhook"
    return _base("XDG_CONFIG_HOME", ".config") / "fish/completions/billhook.fish"


def _base(variable: str, default: str) -> Path:
    # where the user's own files are (XDG Base Directory Specification): none of our settings
    given = os.environ.get(variable, "")  # noqa: TID251
    return Path(given) if Path(given).is_absolute() else Path.home() / default


def _write(file: Path, script: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(script + "\n", encoding="utf-8")
    except OSError as error:
        reason = error.strerror or "the name can't be used"
        fail("file-unwritable", f"{file} can't be written: {reason}.", where="--install")
