"""The icons of both sites, drawn on a grid of 24: part of the page, no request of their own."""

from __future__ import annotations

from typing import Final

PATHS: Final = {
    "back": "M15 5l-7 7 7 7",
    "bolt": "M13 3L5 14h6l-1 7 8-11h-6z",
    "card": "M3 6h18v13H3zM3 10.5h18M6.5 15h4",
    "check": "M5 12.5l4.5 4.5L19 7.5",
    "circle": "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16z",
    "clock": "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 8v4.5l3 1.5",
    "copy": "M9 9h10v11H9zM5 15V4h10",
    "cross": "M6 6l12 12M18 6L6 18",
    "down": "M6 9.5l6 6 6-6",
    "download": "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
    "edit": "M4 20l1-4L16 5l3 3L8 19zM14 7l3 3",
    "eye": "M2.5 12S6 5.5 12 5.5 21.5 12 21.5 12 18 18.5 12 18.5 2.5 12 2.5 12z"
    "M12 9.5a2.5 2.5 0 1 0 0 5 2.5 2.5 0 0 0 0-5z",
    "first": "M18 5l-7 7 7 7M7 5v14",
    "half": "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 4v16M12 8h6.5M12 12h8M12 16h6.5",
    "house": "M4 20V9l8-5 8 5v11M9.5 20v-6h5v6M3 20h18",
    "info": "M12 4a8 8 0 1 0 0 16 8 8 0 0 0 0-16zM12 11v5M12 8v.01",
    "invoice": "M6 3h9l4 4v14H6zM15 3v4h4M9.5 12h6M9.5 16h6",
    "key": "M8 12a3.5 3.5 0 1 0 0 7 3.5 3.5 0 0 0 0-7zM10.5 13L19 4.5M15.5 8l3 3",
    "last": "M6 5l7 7-7 7M17 5v14",
    "leave": "M14 4H5v16h9M10 12h10M16.5 8.5L20 12l-3.5 3.5",
    "link": "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7L12 7"
    "M14 10a4 4 0 0 0-6-.5l-3 3A4 4 0 0 0 10.7 18L12 17",
    "list": "M9 6h11M9 12h11M9 18h11M4.5 6v.01M4.5 12v.01M4.5 18v.01",
    "lock": "M6 11h12v9H6zM8.5 11V8a3.5 3.5 0 0 1 7 0v3",
    "mail": "M3.5 6h17v12h-17zM4 7l8 6 8-6",
    "minus": "M5 12h14",
    "next": "M9 5l7 7-7 7",
    "open": "M13 4h7v7M20 4l-9 9M10 5H5v14h14v-5",
    "people": "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0"
    "M16 4.5a3.5 3.5 0 0 1 0 6.5M18 14.5a6.5 6.5 0 0 1 3.5 5.5",
    "person": "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8zM4.5 20.5a7.5 7.5 0 0 1 15 0",
    "plug": "M9 3v5M15 3v5M6 8h12v3a6 6 0 0 1-12 0zM12 17v4",
    "plus": "M12 5v14M5 12h14",
    "print": "M7 9V4h10v5M7 17H4V9h16v8h-3M7 14h10v6H7z",
    "refresh": "M19 12a7 7 0 1 1-2-5l2 2M19 4v5h-5",
    "return": "M9 14l-5-4.5L9 5M4 9.5h9a6 6 0 0 1 0 12h-3",
    "search": "M11 4a7 7 0 1 0 0 14 7 7 0 0 0 0-14zM16 16l4.5 4.5",
    "settings": "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.5v5M9 14.5v5",
    "trash": "M5 7h14M10 7V4h4v3M7 7l1 13h8l1-13M10.5 11v5M13.5 11v5",
    "up": "M6 14.5l6-6 6 6",
    "warning": "M12 4L2.5 20h19zM12 10v4.5M12 17.5v.01",
}
"""Each icon's strokes."""

MARK: Final = (
    '<svg class="mark" width="28" height="28" viewBox="0 0 24 24" aria-hidden="true" '
    'focusable="false">'
    '<rect width="24" height="24" rx="6" fill="currentColor"/>'
    '<g fill="none" stroke="var(--on-accent)" stroke-linecap="round" stroke-linejoin="round">'
    '<path stroke-width="1.8" d="M7 5h6.2a4.3 4.3 0 0 1 2.2 8 4.6 4.6 0 0 1-2 6H7z"/>'
    '<path stroke-width="1.6" d="M10 9h3.5M10 12.5h4M10 16h2.5"/></g></svg>'
)
"""The mark of Billhook: a B that is an invoice."""


def svg(name: str) -> str:
    """Return the icon *name* as SVG. Screen readers skip it: they read the word next to it."""
    if name == "mark":
        return MARK
    return (
        '<svg class="icon" width="18" height="18" viewBox="0 0 24 24" fill="none" '
        'stroke="currentColor" stroke-width="1.8" '
        'stroke-linecap="round" stroke-linejoin="round" aria-hidden="true" focusable="false">'
        f'<path d="{PATHS[name]}"/></svg>'
    )
