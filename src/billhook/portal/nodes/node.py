"""This node: a data folder on one machine, with a name for people."""

from __future__ import annotations

import functools
import hashlib
import platform
from dataclasses import dataclass
from importlib.metadata import version
from typing import Final

from billhook.portal.fields.ids import LENGTH, new_id
from billhook.portal.installation import environment
from billhook.portal.installation.data_folder import read_or_make

_FILE: Final = "node.id"
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ThisNode:
    """The node that this process is part of."""

    id: str
    name: str
    version: str


@functools.cache
def this_node() -> ThisNode:
    """Return this node. All processes on one data folder of one machine are the same."""
    own = read_or_make(_FILE, new_id) + "\0" + platform.node()
    return ThisNode(
        id=hashlib.sha256(own.encode()).hexdigest()[:LENGTH],
        name=node_name(),
        version=version("billhook"),
    )


def node_name() -> str:
    """Return the name of this node: the setting, or else the machine's name."""
    return (environment.current().node or platform.node() or "node")[:_LONGEST]
