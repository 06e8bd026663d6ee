"""Fetches that go on when the person who asked has left, so that their next visit is quick.

A document that arrives for nobody is held for that person as any other; a note next to it, under a
name that only the same visit leads to, shows every node where it is. The first visit that finds it
takes the note away: the one after that asks the source again.
"""

from __future__ import annotations

import asyncio
import base64
import functools
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Final

from django.utils.crypto import salted_hmac

from billhook.engine.answer.document import Document
from billhook.engine.body import Body
from billhook.engine.delivery import LINK_TYPE
from billhook.engine.stop import SERVER_STOPPED, ServerStopped, is_server_stop
from billhook.portal.documents.held import DocumentGone, Held, open_held, read_token, shelf
from billhook.portal.documents.visits.wanted import WantedDocument
from billhook.portal.integrations.store import get_store
from billhook.portal.runs.outcomes import PLAIN_RENDERING
from billhook.portal.runs.recorder import FoundDocument
from billhook.portal.storage.shelf import ShelfFull
from billhook.portal.storage.threads import in_storage_thread

MOST: Final = 32
"""Fetches that may go on in one process without anybody who waits."""
MOST_OF_ONE: Final = 2
"""Fetches that may go on for one person who has left: a click costs the source as much as one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Visit:
    """A document for one visit, and the run that fetched it."""

    found: FoundDocument
    run_id: str


@dataclass(slots=True, kw_only=True)
class _Going:
    """A fetch in progress, and whether somebody waits for it."""

    wanted: WantedDocument
    task: asyncio.Task[FoundDocument]
    is_attended: bool = True


@dataclass(slots=True)
class UnattendedFetches:
    """The fetches of this process whose person may leave and come back."""

    _going: dict[Hashable, _Going] = field(default_factory=dict)
    _endings: set[asyncio.Task[None]] = field(default_factory=set)

    async def start(self) -> None:
        """Do nothing: fetches begin with visits."""

    async def stop(self, *, seconds: float) -> None:  # noqa: ARG002 - cancelling takes no time
        """End what goes on: the server is about to stop."""
        going = [each.task for each in self._going.values()]
        for task in (*going, *self._endings):
            task.cancel(SERVER_STOPPED)
        await asyncio.gather(*going, *self._endings, return_exceptions=True)

    async def find(self, wanted: WantedDocument) -> Visit:
        """Return the document: one that arrived while its person was away, or a new one.

        Raises:
            BillhookError: as :meth:`WantedDocument.find` does; ServerStopped when the server
                cuts the visit off.
        """
        name = await _name_of_note(wanted)
        here = (asyncio.get_running_loop(), name)
        going = self._going.get(here)
        if going is None and shelf().may_have_note(name, wanted.holder):
            arrived = await in_storage_thread(_take, name, wanted)
            if arrived is not None:
                return arrived
        if going is None or going.is_attended:  # two windows of one person: one fetch each
            going = _Going(wanted=wanted, task=asyncio.create_task(wanted.find()))
        return await self._wait_for(going, here, name)

    async def _wait_for(self, going: _Going, here: Hashable, name: str) -> Visit:
        self._going[here], going.is_attended = going, True
        try:
            found = await asyncio.shield(going.task)
        except asyncio.CancelledError as error:
            if is_server_stop(error):
                await self._cut_off(going, here)
                raise ServerStopped from None
            self._leave(going, here, name)
            raise
        except BaseException:
            self._forget(going, here)
            raise
        self._forget(going, here)
        return Visit(found=found, run_id=going.wanted.run_id)

    async def _cut_off(self, going: _Going, here: Hashable) -> None:
        going.task.cancel(SERVER_STOPPED)
        await asyncio.gather(going.task, return_exceptions=True)
        self._forget(going, here)

    def _leave(self, going: _Going, here: Hashable, name: str) -> None:
        going.is_attended = False
        if self._going.get(here) is not going or self._is_full_for(going.wanted.holder.user_id):
            going.task.cancel()
            self._forget(going, here)
            return
        ending = asyncio.create_task(self._await_nobody(going, here, name))
        self._endings.add(ending)
        ending.add_done_callback(self._endings.discard)

    def _is_full_for(self, user_id: str) -> bool:
        waiting = [each for each in self._going.values() if not each.is_attended]
        theirs = [each for each in waiting if each.wanted.holder.user_id == user_id]
        return len(waiting) > MOST or len(theirs) > MOST_OF_ONE

    async def _await_nobody(self, going: _Going, here: Hashable, name: str) -> None:
        """Hold the document when it comes, unless somebody is back by then."""
        await asyncio.wait([going.task])
        if going.is_attended:
            return
        self._forget(going, here)
        if not going.task.cancelled() and going.task.exception() is None:
            await in_storage_thread(_put, name, going.wanted, going.task.result())

    def _forget(self, going: _Going, here: Hashable) -> None:
        if self._going.get(here) is going:
            del self._going[here]


async def _name_of_note(wanted: WantedDocument) -> str:
    """Return a name that the same visit leads to: this person, document, and configuration."""
    sources = await get_store().configuration_of(wanted.organisation_id, wanted.command)
    visit = (wanted.holder, wanted.state, sources)
    digest = salted_hmac("billhook.unattended", repr(visit), algorithm="sha256").digest()
    return base64.urlsafe_b64encode(digest[:24]).decode("ascii")


def _put(name: str, wanted: WantedDocument, found: FoundDocument) -> None:
    """Hold a document that nobody waits for, and leave the note; for a thread."""
    document = found.document
    with document:
        if document.media_type == LINK_TYPE or found.reason == PLAIN_RENDERING:
            return  # a link may work only once, and a summary costs nothing
        try:
            held = _hold(wanted, found)
            shelf().write_note(name, held.token().encode("ascii"), wanted.holder)
        except ShelfFull:
            return


def _hold(wanted: WantedDocument, found: FoundDocument) -> Held:
    document = found.document
    return Held(
        name=shelf().hold(document.body, wanted.holder),
        user_id=wanted.holder.user_id,
        subject=wanted.holder.subject,
        run_id=wanted.run_id,
        media_type=document.media_type,
        file_name=wanted.file_name(document.extension),
        size=document.size,
        fetched_at=found.fetched_at,
        organisation_id=wanted.holder.organisation_id,
    )


def _take(name: str, wanted: WantedDocument) -> Visit | None:
    """Return the document that a note leads to, and take both away; for a thread."""
    note = shelf().read_note(name, wanted.holder)
    if note is None:
        return None
    shelf().remove_note(name, wanted.holder)
    try:
        held = read_token(note.decode("ascii"), wanted.holder)
        body = Body(file=open_held(held))
    except (ValueError, DocumentGone):
        return None
    shelf().remove(held.name, held.organisation_id)  # who has it open can still read it
    extension = held.file_name.rpartition(".")[2]
    document = Document(media_type=held.media_type, extension=extension, body=body)
    found = FoundDocument(document=document, fetched_at=held.fetched_at)
    return Visit(found=found, run_id=held.run_id)


@functools.cache
def unattended_fetches() -> UnattendedFetches:
    """Return the fetches of this process."""
    return UnattendedFetches()
