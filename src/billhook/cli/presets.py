"""``billhook presets``: the shipped files for known systems, to be filled in and run."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from billhook.cli.output import printable, tell_json
from billhook.engine.integration_file.presets import Preset, list_presets, parse_preset, preset_text


@click.group()
def presets() -> None:
    """List the files for known systems, and show one."""


@presets.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def list_(*, as_json: bool) -> None:
    """List the systems for which there is a file, each with its name."""
    found = list_presets()
    if as_json:
        tell_json({"ok": True, "presets": [_summary(preset) for preset in found]})
        return
    width = max((len(preset.name) for preset in found), default=0)
    for preset in found:
        click.echo(printable(f"{preset.name:{width}}  {preset.title}"))


@presets.command()
@click.argument("name")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def show(name: str, *, as_json: bool) -> None:
    """Show the file of the system NAME. It can be saved, changed, checked and run as it is."""
    text = preset_text(name)
    if not as_json:
        click.echo(text, nl=False)
        return
    tell_json({"ok": True, "preset": _whole(parse_preset(name, text), text)})


def _summary(preset: Preset) -> dict[str, Any]:
    return {
        "name": preset.name,
        "title": preset.title,
        "site": preset.site,
        "sources_row": preset.sources_row,
    }


def _whole(preset: Preset, text: str) -> dict[str, Any]:
    fields = [asdict(field) | {"secret": preset.is_secret(field)} for field in preset.fields]
    return _summary(preset) | {
        "get": preset.get,
        "notes": preset.notes,
        "fields": fields,
        "commands": [command.name for command in preset.integration.commands],
        "file": text,
    }
