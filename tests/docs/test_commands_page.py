"""docs/commands.md lists every command and option that there is, and no page names another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from billhook.cli import billhook
from billhook.cli.reference import as_markdown

ROOT = Path(__file__).parents[2]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md"])


def test_the_page_matches_the_help_of_the_commands() -> None:
    """If this fails: python -m billhook.cli.reference > docs/commands.md"""
    assert (ROOT / "docs" / "commands.md").read_text() == as_markdown()


def test_every_option_has_an_explanation() -> None:
    for path, command in commands():
        assert command.help, path
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help, f"{path} {option.opts}"


def commands(
    group: click.Group = billhook, path: tuple[str, ...] = ()
) -> Iterator[tuple[str, click.Command]]:
    """Yield every command with its words."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from commands(command, (*path, name))
        elif command is not None:
            yield " ".join((*path, name)), command


KNOWN = dict(commands())


def uses(text: str) -> Iterator[tuple[str, str]]:
    """Yield the commands in code: the words, and the text that follows them."""
    code = re.findall(r"`(billhook [^`\n]+)`", text)
    code += [
        line
        for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
        for line in block.replace("\\\n", " ").splitlines()
    ]
    for line in code:
        for part in re.split(r"&&|[|;]", line.replace("exec billhook ", "exec ")):
            found = re.search(r"(?:^|[\s/])billhook ((?:[a-z][a-z-]*(?: |$))+)(.*)", part)
            if found:
                yield found[1].strip(), f" {found[2]}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_and_option_that_a_page_names_exists(page: Path) -> None:
    for words, rest in uses(page.read_text()):
        path = longest_known(words)
        assert path, f"billhook {words}"
        assert options_in(rest) <= options_of(path), f"billhook {path}{rest}"


def options_in(rest: str) -> set[str]:
    return set(re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", rest))


def options_of(path: str) -> set[str]:
    given = [KNOWN[path]] if path in KNOWN else [c for p, c in KNOWN.items() if is_in(p, path)]
    names = {name for c in given for p in c.params for name in (*p.opts, *p.secondary_opts)}
    return names | {"--help", "-h"}


def longest_known(words: str) -> str:
    """Return the command or group that *words* begin with, or an empty text."""
    parts = words.split()
    found = (" ".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((p for p in found if p in KNOWN or any(is_in(k, p) for k in KNOWN)), "")


def is_in(path: str, group: str) -> bool:
    return path.startswith(f"{group} ")
