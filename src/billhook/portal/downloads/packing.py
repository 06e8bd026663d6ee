"""The zip itself, put together on the disk when it is downloaded: memory doesn't grow with it.

It holds the documents that the contact may see at that time. A text in it names the others,
with the reasons.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, cast
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

from django.utils import timezone

from billhook.engine.body import Body, open_unnamed
from billhook.engine.errors import NoRoom
from billhook.portal.downloads.access import entries_of, listed_invoice_ids
from billhook.portal.downloads.models import EntryState, Missing, ZipDownload, ZipEntry
from billhook.portal.downloads.stored import stored_documents
from billhook.portal.fields.csv_files import write_table
from billhook.portal.invoices.csv_export import COLUMNS
from billhook.portal.storage.shelf import FileGone

LIST: Final = "invoices.csv"
MISSING: Final = "missing.txt"
_COLUMNS: Final = (
    "Invoice number",
    "Customer name",
    "Date",
    "Due date",
    "Amount",
    "Still open",
    "Currency",
    "Document type",
    "PO number",
)
_CHUNK: Final = 256 * 1024
_FILE: Final = 0o600 << 16
"""The permissions of a file in the zip, where it is unpacked on Unix."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedDocument:
    """A stored document, with its name in the zip."""

    entry: ZipEntry
    name: str


@dataclass(slots=True, kw_only=True)
class Packing:
    """The content of a download's zip, for the contact who may see it now."""

    organisation_id: str
    documents: list[PackedDocument]
    missing: list[tuple[str, str]]
    """Numbers of invoices, and sentences."""
    gone: list[ZipEntry] = field(default_factory=list)
    """Documents that turned out to be no longer stored."""

    @classmethod
    def of(cls, download: ZipDownload) -> Packing:
        """Return the content of *download* as of now."""
        entries = entries_of(download)
        listed = listed_invoice_ids(download.user, entries)
        ours = [entry for entry in entries if entry.invoice_id in listed]
        stored = [entry for entry in ours if entry.state == EntryState.STORED]
        return cls(
            organisation_id=download.organisation_id,
            documents=[
                PackedDocument(entry=entry, name=name)
                for entry, name in zip(stored, unique_names(stored), strict=True)
            ],
            missing=[
                (entry.invoice.number, reason_of(entry))
                for entry in ours
                if entry.state != EntryState.STORED
            ],
        )

    def pack(self) -> Body:
        """Return the zip, which the caller closes. For a thread: it reads and writes the disk.

        Raises:
            NoRoom: if the disk is full.
        """
        file = io.BufferedRandom(cast("io.RawIOBase", open_unnamed()))
        try:
            with ZipFile(file, "w", ZIP_STORED) as archive:
                self._write(archive)
            file.flush()
            return Body(file=file)
        except OSError:
            file.close()
            raise NoRoom from None
        except BaseException:
            file.close()
            raise

    def _write(self, archive: ZipFile) -> None:
        packed = [document for document in self.documents if self._add(archive, document)]
        text = self._missing_text()
        if text:
            archive.writestr(_info(MISSING), text.encode(), ZIP_DEFLATED)
        archive.writestr(_info(LIST), _list_of(packed), ZIP_DEFLATED)

    def _add(self, archive: ZipFile, document: PackedDocument) -> bool:
        """Add a document; return whether it is still stored."""
        entry = document.entry
        try:
            source = stored_documents().open_file(entry.kept_file, self.organisation_id)
        except FileGone:
            self.gone.append(entry)
            return False
        info = _info(document.name)
        info.file_size = entry.size
        with source, archive.open(info, "w") as target:
            shutil.copyfileobj(source, target, _CHUNK)
        return True

    def _missing_text(self) -> str:
        gone = [(entry.invoice.number, Missing.GONE.label) for entry in self.gone]
        lines = [f"{number}: {reason}" for number, reason in (*self.missing, *gone)]
        return "\r\n".join(["These documents are missing:", "", *lines, ""]) if lines else ""


def _list_of(documents: Sequence[PackedDocument]) -> bytes:
    """Return a CSV file of the invoices, with the names of their files."""
    rows = (
        [*(COLUMNS[name](document.entry.invoice) for name in _COLUMNS), document.name]
        for document in documents
    )
    return write_table([*_COLUMNS, "File"], rows)


def reason_of(entry: ZipEntry) -> str:
    """Return why *entry* has no document, as a sentence."""
    return str(Missing(entry.missing or Missing.NOT_FETCHED).label)


def unique_names(entries: Sequence[ZipEntry]) -> Iterator[str]:
    """Yield a name in the zip for each of *entries*, none of them twice on any system."""
    taken = {LIST, MISSING}
    for entry in entries:
        stem, dot, extension = entry.file_name.rpartition(".")
        for name in _candidates(stem, dot + extension):
            if name.casefold() not in taken:
                taken.add(name.casefold())
                yield name
                break


def _candidates(stem: str, ending: str) -> Iterable[str]:
    yield stem + ending
    number = 2
    while True:
        yield f"{stem}-{number}{ending}"
        number += 1


def _info(name: str) -> ZipInfo:
    info = ZipInfo(name, date_time=timezone.now().timetuple()[:6])
    info.external_attr = _FILE
    return info
