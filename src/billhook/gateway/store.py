"""What the gateway needs of whoever keeps the commands and the runs; the portal implements it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from billhook.engine.command.command import Command
    from billhook.engine.http.transport import Transport
    from billhook.engine.record import RunRecord
    from billhook.engine.secret import Secret


class Caller(Protocol):
    """Who calls: the API key and the organisation that it belongs to."""

    @property
    def key_id(self) -> str:
        """The id of the API key."""
        ...

    @property
    def organisation_id(self) -> str:
        """The id of the organisation."""
        ...


class Prepared(Protocol):
    """A command that is ready to run: compiled, with its secrets and its own connections."""

    @property
    def organisation_id(self) -> str:
        """The id of the organisation."""
        ...

    @property
    def integration_id(self) -> str:
        """The id of the integration."""
        ...

    @property
    def command(self) -> Command:
        """The compiled command."""
        ...

    @property
    def secrets(self) -> Mapping[str, Secret]:
        """The integration's secrets by name."""
        ...

    @property
    def transport(self) -> Transport:
        """The integration's own door to the network."""
        ...


class CommandStore(Protocol):
    """Keys and commands, in memory: neither method waits for anything."""

    def caller(self, digest: str) -> Caller | None:
        """Return whose key has this SHA-256 *digest* (hex); ``None`` for an unknown one."""
        ...

    def prepared(self, caller: Caller, integration: str, command: str) -> Prepared | None:
        """Return the command of the caller's own integration, named by its id or its name.

        ``None`` says that there is no such integration or command, or that it is another
        organisation's, or switched off: the caller can't tell which.
        """
        ...


class Recorder(Protocol):
    """Takes the record of every run."""

    def record(self, run: RunRecord) -> None:
        """Take *run*. Never blocks and never raises."""
        ...
