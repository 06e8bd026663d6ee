"""The made-up company: its name, particulars and mark."""

from __future__ import annotations

from typing import Any, Final

from reportlab.lib.colors import HexColor

NAME: Final = "Alder & Finch"
TAGLINE: Final = "IT that stays out of the way"
ADDRESS: Final = ("7 Merchants Road", "Galway, H91 FX04", "Ireland")
REGISTER: Final = (
    "Alder & Finch Limited",
    "Registered in Ireland, no. 604417",
    "VAT IE 3304182KH",
    "Directors: M. Alder, S. Finch",
)
CONTACT: Final = ("Accounts", "accounts@alderfinch.example", "+353 91 555 0140")
BANK: Final = (
    ("Bank", "Corrib Savings Bank, Galway"),
    ("IBAN", "IE29 AIBK 9311 5212 3456 78"),
    ("BIC", "CRRBIE2D"),
)

_GREEN: Final = HexColor(0x1F5C4A)
_LEAF: Final = HexColor(0xF7F4E9)
_GOLD: Final = HexColor(0xE0A63A)


def draw_mark(canvas: Any, x: float, y: float, size: float) -> None:
    """Draw the company's mark, a leaf and a small bird's eye on a tile, *size* wide, at x and y."""
    canvas.saveState()
    canvas.translate(x, y)
    canvas.scale(size / 100, size / 100)
    canvas.setFillColor(_GREEN)
    canvas.roundRect(0, 0, 100, 100, 22, stroke=0, fill=1)
    _draw_leaf(canvas)
    canvas.setFillColor(_GOLD)
    canvas.circle(74, 74, 9, stroke=0, fill=1)
    canvas.restoreState()


def _draw_leaf(canvas: Any) -> None:
    leaf = canvas.beginPath()
    leaf.moveTo(24, 20)
    leaf.curveTo(10, 56, 34, 80, 60, 82)
    leaf.curveTo(58, 74, 62, 66, 74, 58)
    leaf.curveTo(78, 34, 56, 14, 24, 20)
    leaf.close()
    canvas.setFillColor(_LEAF)
    canvas.drawPath(leaf, stroke=0, fill=1)
    canvas.setStrokeColor(_GREEN)
    canvas.setLineWidth(4)
    canvas.setLineCap(1)
    canvas.bezier(24, 20, 34, 40, 44, 52, 58, 62)
    canvas.bezier(33, 37, 44, 37, 54, 36, 62, 32)
