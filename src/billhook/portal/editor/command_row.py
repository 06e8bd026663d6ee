"""The row of a command: that of any command, and the part that only list commands have."""

from __future__ import annotations

from functools import cache
from typing import Any

from billhook.engine.config import TYPES, CommandConfig
from billhook.engine.field import FieldInfo, fields_of
from billhook.engine.list_config import LIST_COMMANDS, LIST_KEYS, ListCommandConfig
from billhook.portal.editor.lists.rows import LIST, list_values
from billhook.portal.editor.row_kinds import RowKind, described_kind, one_of
from billhook.portal.editor.tree import Node

LIST_PART = "list"
"""The key of the part of a list command."""


def command_kind() -> RowKind:
    """Return the kind of a command's row: its name decides whether it is a list command."""
    owner: Any = TYPES.command
    return _command_kind(owner)


@cache
def _command_kind(owner: Any) -> RowKind:
    plain = described_kind(owner, "steps", "Command")
    part = one_of(lambda: LIST)(FieldInfo(key=LIST_PART, label="", help=""))
    keys = [info.key for info in fields_of(ListCommandConfig) if info.key not in LIST_KEYS]

    def read(node: Node) -> CommandConfig:
        config: CommandConfig = plain.read(node)
        if config.name not in LIST_COMMANDS:
            return config
        own = {key: getattr(config, key) for key in keys}
        return ListCommandConfig(**own, **list_values(node.at(LIST_PART)))

    def show(config: CommandConfig) -> Node:
        node: Node = plain.show(config)
        if isinstance(config, ListCommandConfig):
            node.inner[LIST_PART] = LIST.show(config)
        return node

    return RowKind(
        inputs=plain.inputs,
        parts={**plain.parts, LIST_PART: part},
        read=read,
        show=show,
        main=plain.main,
        noun=plain.noun,
    )
