"""What is typed in a form or a file, before it is compiled: plain frozen values, no rule in them.

:mod:`billhook.engine.files` reads and writes them as TOML; :mod:`billhook.engine.command` compiles
them, and says every mistake.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

DEFAULT_ACCEPT: Final = ("application/pdf",)
DEFAULT_TIMEOUT: Final = 30.0
DEFAULT_MAX_BYTES: Final = 25_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StepConfig:
    """One request as typed: every text may hold tokens."""

    name: str = ""
    method: str = "GET"
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandConfig:
    """One command as typed. ``timeout`` is in seconds and covers the whole command."""

    name: str
    steps: tuple[StepConfig, ...]
    tokens: tuple[str, ...] = ()
    accept: tuple[str, ...] = DEFAULT_ACCEPT
    redirects: str = "follow"
    timeout: float = DEFAULT_TIMEOUT
    max_bytes: int = DEFAULT_MAX_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegrationConfig:
    """One integration as typed. ``secrets`` are names only; their values are never in a file."""

    name: str
    variables: dict[str, str] = field(default_factory=dict)
    secrets: tuple[str, ...] = ()
    commands: tuple[CommandConfig, ...] = ()
