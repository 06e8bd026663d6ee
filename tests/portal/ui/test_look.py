"""The look can be read by everybody: the contrast of its colours, by WCAG 2.2."""

from __future__ import annotations

import re

import pytest

from billhook.portal.ui.statics import STATIC_FOLDER

_CSS = (STATIC_FOLDER / "billhook" / "billhook.css").read_text(encoding="utf-8")
_TEXT_ON = [
    ("text", "ground"),
    ("text", "surface"),
    ("text", "sunken"),
    ("muted", "ground"),
    ("muted", "surface"),
    ("muted", "sunken"),
    ("accent", "ground"),
    ("accent", "surface"),
    ("accent-strong", "accent-soft"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("bad", "surface"),
    ("bad", "ground"),
    *((kind, f"{kind}-soft") for kind in ("good", "info", "warn", "bad", "part")),
]
_LINES_ON = [("line-strong", "surface"), ("focus", "surface"), ("focus", "ground")]


def _colours(scheme: str) -> dict[str, str]:
    blocks = re.findall(r":root \{(.*?)\}", _CSS, flags=re.DOTALL)
    colours: dict[str, str] = {}
    for block in blocks[: 1 if scheme == "light" else 2]:
        colours |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", block))
    return colours


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def test_contrast_is_calculated_as_the_standard_defines() -> None:
    assert _contrast("#000000", "#ffffff") == pytest.approx(21)
    assert _contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "ground"), _TEXT_ON, ids=" on ".join)
def test_text_has_enough_contrast(scheme: str, text: str, ground: str) -> None:
    colours = _colours(scheme)
    assert _contrast(colours[text], colours[ground]) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("line", "ground"), _LINES_ON, ids=" on ".join)
def test_the_edges_of_controls_and_the_focus_are_visible(
    scheme: str, line: str, ground: str
) -> None:
    colours = _colours(scheme)
    assert _contrast(colours[line], colours[ground]) >= 3


def test_motion_stops_for_those_who_ask_for_it() -> None:
    assert "@media (prefers-reduced-motion: reduce)" in _CSS
