"""The interface to the store of integrations and runs that the gateway needs; the portal's fits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from billhook.engine.answer.document import Document
    from billhook.engine.http.trace import Trace
    from billhook.engine.record import RunRecord
    from billhook.engine.tokens.catalogue import Value


class ApiCaller(Protocol):
    """The caller: an API key and the organisation that it belongs to."""

    @property
    def key_id(self) -> str:
        """The id of the API key."""
        ...

    @property
    def organisation_id(self) -> str:
        """The id of the organisation."""
        ...

    @property
    def may_run(self) -> bool:
        """Whether the key may run commands."""
        ...

    @property
    def expires_at(self) -> float | None:
        """The time from which the key is refused, in seconds since 1970; None for never."""
        ...


class RunnableIntegration(Protocol):
    """An integration that is ready to run: compiled, with its secrets and its own connections."""

    @property
    def id(self) -> str:
        """The id of the integration."""
        ...

    @property
    def organisation_id(self) -> str:
        """The id of the organisation."""
        ...

    async def run(
        self, command: str, tokens: Mapping[str, Value], *, trace: Trace, run_id: str
    ) -> Document:
        """Run *command* with *tokens* and return the document; *run_id* fills ``{{RunId}}``."""
        ...


class IntegrationStore(Protocol):
    """Keys and integrations: those used lately are in memory, and others have to be read."""

    def caller(self, digest: str) -> ApiCaller | None:
        """Return whose key has this SHA-256 *digest* (hex), if that is in memory."""
        ...

    async def read_caller(self, digest: str) -> ApiCaller | None:
        """Return whose key has this SHA-256 *digest* (hex); ``None`` for an unknown one.

        Raises ConnectionError if that can't be read now.
        """
        ...

    def find(self, caller: ApiCaller, integration: str, command: str) -> RunnableIntegration | None:
        """Return what :meth:`read_integration` does, if it is in memory."""
        ...

    async def read_integration(
        self, caller: ApiCaller, integration: str, command: str
    ) -> RunnableIntegration | None:
        """Return the caller's own integration, named by its id or its name, if it has *command*.

        ``None`` says that there is no such integration or command, or that it is another
        organisation's, or switched off: the caller can't tell which.

        Raises ConnectionError if that can't be read now.
        """
        ...


class Recorder(Protocol):
    """Takes the record of every run."""

    def record(self, run: RunRecord) -> None:
        """Take *run*. Never blocks and never raises."""
        ...
