"""A filled request for people: its secrets are masked."""

from __future__ import annotations

from dataclasses import dataclass

from billhook.engine.tokens.template import Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedRequest:
    """A filled request for people: values are in it, secrets are masked.

    ``authenticate`` says whether the integration's authentication is added, which isn't in it.
    ``only_after`` names the step after which it is sent only if that finds nothing.
    """

    step: str
    method: str
    url: Shown
    headers: tuple[tuple[str, Shown], ...]
    body: Shown | None
    authenticate: bool = True
    only_after: str = ""
