"""A form's texts as a tree of the parts of their keys, such as ``command-0-steps-1-url``.

Django's own forms are flat. Here any list of rows may be inside a row of another list.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from billhook.engine.secret import Secret

MAX_ROWS: Final = 1_000
"""Rows of one list that are read from a form; the engine's own limits are lower."""
_LONGEST_KEY: Final = 200
_DIGITS: Final = 9


@dataclass(slots=True, kw_only=True)
class Node:
    """One part of a form as typed: a text, a secret, or other parts by their keys.

    A secret is never posted back: the page has only its sealed form.
    """

    text: str | None = None
    secret: Secret | None = field(default=None, compare=False)
    inner: dict[str, Node] = field(default_factory=dict)

    def at(self, key: str) -> Node:
        """Return the part at *key*, or an empty one that doesn't belong to the tree."""
        node = self
        for part in key.split("-"):
            node = node.inner.get(part) or Node()
        return node

    def put(self, key: str) -> Node:
        """Return the part at *key*, which is added if it is missing."""
        node = self
        for part in key.split("-"):
            node = node.inner.setdefault(part, Node())
        return node

    @property
    def rows(self) -> list[Node]:
        """The parts whose keys are numbers, in their order."""
        numbers = [part for part in self.inner if part.isascii() and part.isdecimal()]
        short = sorted((int(part), part) for part in numbers if len(part) <= _DIGITS)
        return [self.inner[part] for _, part in short[:MAX_ROWS]]

    @rows.setter
    def rows(self, rows: Iterable[Node]) -> None:
        self.inner = {str(number): row for number, row in enumerate(rows)}

    def fields(self, key: str = "") -> Iterator[tuple[str, str]]:
        """Return every text, at *key*, as a browser posts it: HTML posts line breaks as CR LF."""
        if self.text is not None:
            yield key, self.text.replace("\n", "\r\n")
        for part, node in self.inner.items():
            yield from node.fields(f"{key}-{part}" if key else part)


def tree_of(posted: Mapping[str, str]) -> Node:
    """Return *posted* as a tree, with line breaks as LF."""
    root = Node()
    for key, text in posted.items():
        if len(key) <= _LONGEST_KEY:
            root.put(key).text = text.replace("\r\n", "\n")
    return root


def rows_node(rows: Iterable[Node]) -> Node:
    """Return a list of rows as one part of a form."""
    node = Node()
    node.rows = rows
    return node


def texts_node(**texts: str) -> Node:
    """Return a row with *texts* by their keys."""
    return Node(inner={key: Node(text=text) for key, text in texts.items()})
