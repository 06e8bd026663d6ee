"""The work on a download, in turns of its job: each document is fetched as VIEW would, and stored.

A document is stored, and its entry says so, before others are fetched: after a
crash, the billing system is asked for the rest alone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from asgiref.sync import async_to_sync, sync_to_async

from billhook.engine.errors import (
    BillhookError,
    DocumentNotFound,
    NoRoom,
    SourcePaused,
    SourceStatus,
    SourceTimeout,
    SourceUnreachable,
)
from billhook.engine.stop import ServerStopped
from billhook.portal.accounts.models import User
from billhook.portal.documents.invoice_document import InvoiceDocument, saved_name
from billhook.portal.documents.links import is_link
from billhook.portal.documents.token_values import Click
from billhook.portal.downloads.access import download_to_work_on, next_entries
from billhook.portal.downloads.models import EntryState, Missing, ZipDownload, ZipEntry, ZipState
from billhook.portal.downloads.services import begin_again, save_entry
from billhook.portal.downloads.stored import stored_documents
from billhook.portal.installation import environment
from billhook.portal.integrations.store import get_store
from billhook.portal.invoices.access import invoices_for_contact
from billhook.portal.invoices.models import Invoice
from billhook.portal.jobs.turn import Turn
from billhook.portal.runs.models import RunKind
from billhook.portal.runs.recorder import FoundDocument, get_recorder
from billhook.portal.storage.shelf import Holder, ShelfFull
from billhook.portal.storage.threads import in_storage_thread

AT_ONCE: Final = 4
"""Documents that are fetched at the same time: their sources serve VIEW as well."""
TRIES: Final = 2
"""A document whose source doesn't respond is fetched once more, at the end and after a pause."""
PAUSE: Final = timedelta(seconds=20)
_SHARE: Final = 0.4
"""The part of a lease that a document may take: with the turn before it, less than the engine's
limit of two thirds."""
_MAY_PASS: Final = (SourceTimeout, SourceUnreachable, SourcePaused, NoRoom, ServerStopped)
_SERVER_ERROR: Final = 500
Fetched = FoundDocument | BillhookError | None
"""A document, the reason why there is none, or None for an invoice that may not be seen."""


def make_download(turn: Turn) -> None:
    """Do one turn of the work on a download."""
    download = download_to_work_on(turn.subject)
    if download is None:
        return
    if download.state != ZipState.MAKING:  # a member has its job tried again
        begin_again(download=download)
    async_to_sync(_Making(turn, download).work)()


class _Making:
    """A download that is being made in this turn. Rows are used in the turn's own thread."""

    def __init__(self, turn: Turn, download: ZipDownload) -> None:
        self._turn = turn
        self._download = download
        self._user: User = download.user
        self._room = environment.current().zip_bytes

    async def work(self) -> None:
        """Fetch documents as long as the turn goes on; then ask for another turn, or end."""
        self._room -= await sync_to_async(self._bytes_so_far)()
        try:
            while self._turn.goes_on:
                entries = await sync_to_async(self._next)()
                if not entries:
                    break
                await self._take(entries)
            else:
                self._turn.again()
        finally:
            await get_store().stop(seconds=1)  # its connections belong to this event loop

    def _bytes_so_far(self) -> int:
        return sum(self._download.entries.values_list("size", flat=True))

    def _next(self) -> list[ZipEntry]:
        """Return the next entries; ask for a later turn before one is tried again, or end."""
        entries = next_entries(self._download, most=AT_ONCE)
        if not entries:
            self._end()
        elif entries[0].tries and not self._turn.cursor.get("has_paused"):
            self._turn.report(cursor={"has_paused": True})
            self._turn.again(after=PAUSE)
            return []
        return entries

    def _end(self) -> None:
        states = list(self._download.entries.values_list("state", flat=True))
        stored = states.count(EntryState.STORED)
        if stored:
            self._turn.finish(note=f"{len(states) - stored} missing" * (stored < len(states)))
        else:
            self._turn.fail("None of the documents could be fetched.")

    async def _take(self, entries: Sequence[ZipEntry]) -> None:
        """Fetch and store the documents of *entries*, and write down what became of each."""
        wanted = await sync_to_async(self._wanted)(entries)
        fetched = await asyncio.gather(*(self._fetch(each) for each in wanted))
        for entry, document, result in zip(entries, wanted, fetched, strict=True):
            entry.run_id = document.run_id if document else ""
            await in_storage_thread(self._store, entry, result)
        await sync_to_async(self._save)(entries)

    def _wanted(self, entries: Sequence[ZipEntry]) -> list[InvoiceDocument | None]:
        """Return the documents to fetch; None for invoices that the contact no longer sees."""
        ids = [entry.invoice_id for entry in entries]
        listed = {each.id: each for each in invoices_for_contact(self._user).filter(id__in=ids)}
        return [self._document(listed.get(id_)) for id_ in ids]

    def _document(self, invoice: Invoice | None) -> InvoiceDocument | None:
        if invoice is None or invoice.organisation_id != self._download.organisation_id:
            return None
        return InvoiceDocument(click=Click(invoice=invoice, user=self._user), kind=RunKind.DOWNLOAD)

    async def _fetch(self, wanted: InvoiceDocument | None) -> Fetched:
        if wanted is None:
            return None
        try:
            async with asyncio.timeout(environment.current().job_lease_seconds * _SHARE):
                return await wanted.find()
        except BillhookError as error:
            return error
        except TimeoutError:
            return SourceTimeout("whole")

    def _store(self, entry: ZipEntry, result: Fetched) -> None:
        """Store the document that was fetched for *entry*, or note why there is none."""
        entry.tries += 1
        if isinstance(result, FoundDocument):
            with result.document:
                self._store_document(entry, result)
        elif entry.tries >= TRIES or not _may_pass(result):
            _miss(entry, _reason(result))

    def _store_document(self, entry: ZipEntry, found: FoundDocument) -> None:
        document = found.document
        if is_link(document):
            return _miss(entry, Missing.ONLY_LINK)
        if document.size > self._room:
            return _miss(entry, Missing.TOO_MUCH)
        try:
            entry.kept_file = stored_documents().hold(document.body, self._holder)
        except ShelfFull:
            return _miss(entry, Missing.NO_ROOM)
        entry.state, entry.size = EntryState.STORED, document.size
        entry.file_name = saved_name(entry.invoice, found)
        self._room -= document.size
        return None

    @property
    def _holder(self) -> Holder:
        return Holder(
            user_id=self._user.id,
            subject=f"zip:{self._download.id}",
            organisation_id=self._download.organisation_id,
        )

    def _save(self, entries: Sequence[ZipEntry]) -> None:
        """Commit what became of *entries*, and the progress; records of the runs come first."""
        get_recorder().flush()
        try:
            with self._turn.saving():
                for entry in entries:
                    save_entry(entry=entry)
                ended = self._download.entries.exclude(state=EntryState.WAITING).count()
                self._turn.report(done=ended, total=self._download.entries.count())
        except BaseException:  # stopped or deleted meanwhile: nobody would find the files
            for entry in filter(lambda entry: entry.kept_file, entries):
                stored_documents().remove(entry.kept_file, self._download.organisation_id)
            raise


def _may_pass(result: object) -> bool:
    """Return whether another try in a moment may have another result."""
    if isinstance(result, SourceStatus):
        return result.http_status >= _SERVER_ERROR
    return isinstance(result, _MAY_PASS)


def _miss(entry: ZipEntry, reason: Missing) -> None:
    entry.state, entry.missing = EntryState.MISSING, reason


def _reason(error: BillhookError | None) -> Missing:
    match error:
        case None:
            return Missing.NOT_LISTED
        case DocumentNotFound():
            return Missing.NOT_MADE_YET
        case NoRoom() | ServerStopped():
            return Missing.NO_ROOM
        case SourceTimeout():
            return Missing.NO_RESPONSE
        case _:
            return Missing.FAILED
