"""Draws docs/architecture.svg from the imports, and writes the table of rooms in architecture.md.

``python -m tools.architecture`` remakes both. The rows of a part are the layers of its contract for
import-linter; an arrow between two rooms is an import that the other arrows don't imply.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "billhook"
PICTURE = ROOT / "docs" / "architecture.svg"
PAGE = ROOT / "docs" / "architecture.md"
BEGIN, END = "<!-- rooms: made by tools/architecture.py -->\n", "<!-- /rooms -->\n"
PARTS = ("cli", "server", "gateway", "portal", "engine", "sample")

Graph = dict[str, set[str]]

DOTTED = re.compile(r"billhook(\.\w+)+")

STYLE = (
    "text{font:14px system-ui,sans-serif;text-anchor:middle;fill:#1d2a26}"
    ".name{font-weight:600;text-anchor:start}.part{fill:#f4f7f5;stroke:#b9c5bf}"
    ".room{fill:#fff;stroke:#4a6b5d}.of-part{stroke-width:2}"
    ".arrow{fill:none;stroke:#7d9389;marker-end:url(#head)}"
)
MARKER = (
    '<defs><marker id="head" viewBox="0 0 8 8" refX="6" refY="4" markerWidth="7" markerHeight="7" '
    'orient="auto" markerUnits="userSpaceOnUse"><path d="M0 0L8 4L0 8z" fill="#7d9389"/></marker>'
    "</defs>"
)

MARGIN, ROW, BOX, HEAD, SPACE = 20, 62, 34, 46, 40
INNER, ENGINE = 500, 640
"""The width of the portal and of the engine, side by side: each holds its widest row."""
LEFT, RIGHT = MARGIN, MARGIN + INNER + SPACE
WIDTH = RIGHT + ENGINE + MARGIN


def modules() -> dict[str, Path]:
    """Return the modules of the package by dotted name, without ``billhook.``."""
    found = {}
    for path in sorted(SOURCE.rglob("*.py")):
        names = path.relative_to(SOURCE).with_suffix("").parts
        if names[0] in PARTS and "migrations" not in names:
            found[".".join(names).removesuffix(".__init__")] = path
    return found


def imported(path: Path, known: Mapping[str, Path]) -> set[str]:
    """Return the modules that the file imports, or that the Django project names in a string."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and path.parent.name == "project":
            names |= {node.value} if DOTTED.fullmatch(str(node.value)) else set()
    ours = {name.removeprefix("billhook.") for name in names if name.startswith("billhook.")}
    found = {name if name in known else name.rpartition(".")[0] for name in ours}
    return found & set(known)


def room_of(module: str) -> str:
    """Return the room of a module: ``portal.documents``; the part itself has a room, too."""
    part, *rest = module.split(".")
    return f"{part}.{rest[0]}" if rest else part


def graph_of_rooms() -> Graph:
    """Return which room imports which other."""
    known = modules()
    rooms: Graph = {room_of(name): set() for name in known}
    for name, path in known.items():
        here = room_of(name)
        rooms[here] |= {room_of(other) for other in imported(path, known)} - {here}
    return rooms


def reduced(graph: Graph) -> Graph:
    """Return *graph* without the arrows that others imply. It has no circles."""

    def reach(start: str) -> set[str]:
        found: set[str] = set()
        waiting = list(graph.get(start, ()))
        while waiting:
            name = waiting.pop()
            if name not in found:
                found.add(name)
                waiting += graph.get(name, ())
        return found

    return {
        name: {one for one in others if not any(one in reach(via) for via in others - {one})}
        for name, others in graph.items()
    }


def layers(part: str) -> tuple[tuple[str, ...], ...]:
    """Return the rooms of *part* row by row, as its contract orders them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    for contract in settings["tool"]["importlinter"]["contracts"]:
        if contract.get("containers") == [f"billhook.{part}"]:
            rows = [row.split("|") for row in contract["layers"]]
            return tuple(tuple(room.strip(" ()") for room in row) for row in rows)
    raise LookupError(part)


def purpose(room: str) -> str:
    """Return the first sentence of the docstring of a room."""
    path = SOURCE / room.replace(".", "/")
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return text.split("\n", 1)[0].strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A room or part in the picture."""

    name: str
    x: float
    y: float
    width: float

    @property
    def middle(self) -> float:
        """The horizontal middle."""
        return self.x + self.width / 2

    def svg(self) -> str:
        """Draw it."""
        return (
            f'<rect class="room" x="{self.x:g}" y="{self.y:g}" width="{self.width:g}" '
            f'height="{BOX}" rx="6"/>'
            f'<text x="{self.middle:g}" y="{self.y + 22:g}">{self.name.rpartition(".")[2]}</text>'
        )


def row_of_boxes(names: Sequence[str], *, left: float, width: float, y: float) -> Iterator[Box]:
    """Lay the rooms of one layer side by side, centred."""
    widths = [26 + 7.6 * len(name.rpartition(".")[2]) for name in names]
    gap = min(60.0, (width - sum(widths)) / (len(names) + 1))
    x = left + (width - sum(widths) - gap * (len(names) - 1)) / 2
    for name, each in zip(names, widths, strict=True):
        yield Box(name=name, x=round(x, 1), y=y, width=round(each, 1))
        x += each + gap


def arrow(start: Box, end: Box) -> str:
    """Draw an arrow from under one box to the top of another."""
    x1, y1, x2, y2 = start.middle, start.y + BOX, end.middle, end.y - 4
    bend = (y2 - y1) / 2
    return (
        f'<path class="arrow" d="M{x1:g} {y1:g}C{x1:g} {y1 + bend:g} {x2:g} {y2 - bend:g} '
        f'{x2:g} {y2:g}"/>'
    )


def part_arrow(x1: float, y1: float, x2: float, y2: float) -> str:
    """Draw an arrow between two parts."""
    return f'<path class="arrow of-part" d="M{x1:g} {y1:g}L{x2:g} {y2:g}"/>'


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part in the picture, with its rooms row by row."""

    name: str
    x: float
    y: float
    width: float
    rows: tuple[tuple[str, ...], ...] = ()

    @property
    def height(self) -> float:
        """The height that its rows take."""
        return HEAD + ROW * len(self.rows)

    @property
    def bottom(self) -> float:
        """The position of its end."""
        return self.y + self.height

    def boxes(self) -> dict[str, Box]:
        """Return the boxes of its rooms."""
        found = {}
        for number, rooms in enumerate(self.rows):
            y = self.y + HEAD + number * ROW
            names = [f"{self.name}.{room}" for room in rooms]
            for box in row_of_boxes(names, left=self.x, width=self.width, y=y):
                found[box.name] = box
        return found

    def svg(self, graph: Graph) -> str:
        """Draw it, with its rooms and the arrows between them."""
        boxes = self.boxes()
        inside = {name: graph[name] & set(boxes) for name in boxes}
        drawn = [
            (
                f'<rect class="part" x="{self.x:g}" y="{self.y:g}" width="{self.width:g}" '
                f'height="{self.height:g}" rx="10"/>'
            ),
            f'<text class="name" x="{self.x + 14:g}" y="{self.y + 28:g}">{self.name}</text>',
        ]
        for name, others in reduced(inside).items():
            drawn += [arrow(boxes[name], boxes[other]) for other in sorted(others)]
        return "\n".join([*drawn, *(box.svg() for box in boxes.values())])


def picture() -> str:
    """Return the picture as SVG."""
    top = MARGIN + HEAD + SPACE
    cli = Part(name="cli", x=LEFT, y=MARGIN, width=120)
    server = Part(name="server", x=LEFT + 160, y=MARGIN, width=RIGHT + 120 - LEFT - 160)
    sample = Part(name="sample", x=WIDTH - MARGIN - 120, y=MARGIN, width=120)
    portal = Part(name="portal", x=LEFT, y=top, width=INNER, rows=layers("portal"))
    gateway = Part(name="gateway", x=RIGHT, y=top, width=ENGINE)
    engine = Part(
        name="engine", x=RIGHT, y=gateway.bottom + SPACE, width=ENGINE, rows=layers("engine")
    )
    graph = graph_of_rooms()
    parts = [part.svg(graph) for part in (cli, server, sample, portal, gateway, engine)]
    half = MARGIN + HEAD / 2
    arrows = [
        part_arrow(cli.x + cli.width, half, server.x - 3, half),
        part_arrow(LEFT + INNER / 2, server.bottom, LEFT + INNER / 2, top - 3),
        part_arrow(RIGHT + 60, server.bottom, RIGHT + 60, top - 3),
        part_arrow(RIGHT + 60, gateway.bottom, RIGHT + 60, engine.y - 3),
        part_arrow(LEFT + INNER, engine.y + 60, RIGHT - 3, engine.y + 60),
    ]
    height = max(portal.bottom, engine.bottom) + MARGIN
    drawn = "\n".join([*parts, *arrows])
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:g}" role="img" '
        'aria-label="The parts and rooms of Billhook, and the imports between them">\n'
        f"<style>{STYLE}</style>\n{MARKER}\n"
        f'<rect width="{WIDTH}" height="{height:g}" fill="#fff"/>\n{drawn}\n</svg>\n'
    )


def table() -> str:
    """Return the rooms and their purposes as a table."""
    lines = ["| room | what is in it |", "|---|---|"]
    for part in PARTS:
        lines.append(f"| **{part}** | {purpose(part)} |")
        if part in {"portal", "engine"}:
            rooms = [f"{part}.{room}" for row in layers(part) for room in row]
            rooms = [room for room in rooms if (SOURCE / room.replace(".", "/")).is_dir()]
            lines += [f"| {room.replace('.', '/')} | {purpose(room)} |" for room in rooms]
    return "\n".join(lines) + "\n"


def page() -> str:
    """Return the page with its table of rooms as the code has it."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{table()}\n{END}{after}"


def main() -> None:
    """Remake the picture and the table."""
    PICTURE.write_text(picture(), encoding="utf-8")
    PAGE.write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
