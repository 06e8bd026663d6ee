"""A document that a person may ask for on a page: an invoice's, or a statement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Protocol, TypeVar

from billhook.engine.stop import ServerStopped, is_server_stop
from billhook.portal.runs.recorder import FoundDocument
from billhook.portal.storage.shelf import Holder

_Found = TypeVar("_Found")


class WantedDocument(Protocol):
    """A document for a person who may see it; :meth:`find` gets it.

    ``run_id`` is the id of the first run, by which people can ask about it.
    """

    @property
    def run_id(self) -> str:
        """The id of the first run."""
        ...

    @property
    def command(self) -> str:
        """The command that gives it."""
        ...

    @property
    def organisation_id(self) -> str:
        """The organisation whose sources are asked."""
        ...

    @property
    def holder(self) -> Holder:
        """The person for whom it is held, and what it is about."""
        ...

    @property
    def state(self) -> str:
        """A text that changes with the facts that it is about."""
        ...

    def file_name(self, extension: str) -> str:
        """Return its file name, made from our own record."""
        ...

    def saved_name(self, found: FoundDocument) -> str:
        """Return the name under which a browser saves what was found."""
        ...

    async def find(self) -> FoundDocument:
        """Return the document; the caller closes it.

        Raises:
            BillhookError: whose ``public_message`` is for members; a contact gets another. If
                the server stops meanwhile, it is ServerStopped.
        """
        ...


async def or_stopped(work: Awaitable[_Found]) -> _Found:
    """Await *work*; raise ServerStopped if the server stops meanwhile."""
    try:
        return await work
    except asyncio.CancelledError as error:
        if not is_server_stop(error):
            raise
        raise ServerStopped from None
