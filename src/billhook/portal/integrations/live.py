"""One integration in memory: compiled, with its secrets and its source, ready to run commands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from billhook.engine.answer.document import Document
from billhook.engine.command.command import Command
from billhook.engine.http.trace import Trace
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from billhook.engine.tokens.catalogue import Value
from billhook.engine.tokens.values import Values
from billhook.portal.integrations.policy import Wiring
from billhook.portal.integrations.shared_transport import SharedTransport

Stamp = tuple[int, int]
"""Distinguishes the states of an integration: its version, and that of its connection."""

LEAST_KILOBYTES: Final = 24
"""The memory that the smallest integration takes."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LiveIntegration:
    """One integration as of *stamp*. Only commands that may be used are in it."""

    id: str
    organisation_id: str
    name: str
    stamp: Stamp
    on_failure: str
    keeping: str
    wiring: Wiring
    transport: SharedTransport
    kilobytes: int = LEAST_KILOBYTES
    """About so much memory it takes."""

    @property
    def commands(self) -> Mapping[str, Command]:
        """The commands by name."""
        return self.wiring.integration.commands

    def secrets_of(self, command: str) -> dict[str, Secret]:
        """Return the values of the secrets that *command* itself uses, and no others."""
        known = self.wiring.secrets
        return {name: known[name] for name in self.commands[command].secrets if name in known}

    def values(self, command: str, tokens: Mapping[str, Value], *, run_id: str) -> Values:
        """Return *tokens* and the secrets of *command*, checked and ready to fill.

        Raises TokenError with every value that is missing, unknown or can't be sent.
        """
        secrets = self.secrets_of(command)
        return self.commands[command].values(tokens, secrets=secrets, run_id=run_id)

    async def run(
        self, command: str, tokens: Mapping[str, Value], *, trace: Trace, run_id: str
    ) -> Document:
        """Run *command*, which it has, with *tokens*; see :func:`billhook.engine.run.run_command`.

        *trace* takes every exchange, *run_id* fills ``{{RunId}}``.
        """
        values = self.values(command, tokens, run_id=run_id)
        return await run_command(
            self.commands[command],
            values,
            transport=self.transport,
            trace=trace,
            share=self.organisation_id,
        )
