"""Embedding: the list of sites that may show an organisation's portal, as members type it."""

from __future__ import annotations

from typing import Final

from billhook.engine.egress.url import Url, parse_url
from billhook.portal.fields.problem import FieldProblem

MOST_PARENTS: Final = 20
_LOCAL: Final = frozenset({"localhost", "127.0.0.1"})


def read_parents(typed: str) -> tuple[str, ...]:
    """Return the origins *typed*, one in a line.

    Raises:
        FieldProblem: that names the first line that isn't an origin.
    """
    lines = dict.fromkeys(line.strip() for line in typed.splitlines() if line.strip())
    if len(lines) > MOST_PARENTS:
        raise FieldProblem("parents", f"There may be at most {MOST_PARENTS} sites.")
    return tuple(dict.fromkeys(_origin(line) for line in lines))


def _origin(line: str) -> str:
    """Return the origin that *line* is; raise FieldProblem if it isn't one."""
    url = parse_url(f"{line.rstrip('/')}/")
    if not isinstance(url, Url) or url.target != "/":
        raise FieldProblem(
            "parents",
            f"“{line[:100]}” isn't a site. Write each as https://www.acme.example, without a "
            "page behind it.",
        )
    if url.scheme != "https" and url.host not in _LOCAL:
        message = f"“{line[:100]}” could be changed on its way. Write it with https."
        raise FieldProblem("parents", message)
    return str(url.origin)
