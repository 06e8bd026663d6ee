"""The document of one invoice, from the first of the organisation's sources that has it.

After "not found" the next source is tried; after a failure, only if the integration is set so.
Every source that is tried leaves its own run, and the later runs name the first. If no source has
the document and the organisation allows it, the result is a summary from our own record.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

from billhook.engine.answer.document import Document
from billhook.engine.body import Body
from billhook.engine.errors import (
    BillhookError,
    ConfigurationError,
    DocumentNotFound,
    Problem,
)
from billhook.engine.http.trace import Trace
from billhook.engine.record import new_run_id
from billhook.portal.documents.fetch import Fetch
from billhook.portal.documents.token_values import Click
from billhook.portal.documents.visits.wanted import or_stopped
from billhook.portal.integrations.models import OnFailure
from billhook.portal.integrations.store import get_store
from billhook.portal.invoices.file_name import document_name
from billhook.portal.invoices.models import Invoice
from billhook.portal.invoices.plain_pdf import draw_plain_invoice, plain_invoice
from billhook.portal.runs.models import RunKind
from billhook.portal.runs.outcomes import PLAIN_RENDERING
from billhook.portal.runs.recorder import FoundDocument, RunContext, run_recorded
from billhook.portal.storage.shelf import Holder

INVOICE_COMMAND: Final = "GetInvoiceImage"
"""The command that gives the document of an invoice."""
_NO_INTEGRATION: Final = Problem(
    code="no-integration",
    message=f"No enabled integration has the command {INVOICE_COMMAND}. "
    "Add one, or enable one, under Integrations.",
)


def holder_of(invoice: Invoice, user_id: str) -> Holder:
    """Return the holder of documents of *invoice* that were fetched for that user."""
    return Holder(
        user_id=user_id,
        subject=f"invoice:{invoice.id}",
        organisation_id=invoice.organisation_id,
    )


def saved_name(invoice: Invoice, found: FoundDocument) -> str:
    """Return the file name for the document of *invoice* that was found."""
    name = document_name(invoice, extension=found.document.extension)
    return f"summary-{name}" if found.reason == PLAIN_RENDERING else name


@dataclass(frozen=True, slots=True, kw_only=True)
class InvoiceDocument:
    """The document of an invoice for a person who may see it; :meth:`find` gets it.

    ``run_id`` is the id of the first run, by which people can ask about it.
    """

    click: Click
    kind: RunKind
    reader_id: str = ""
    """The user who reads it, if that isn't who clicked: a member who looks as a contact."""
    held_for: Holder | None = None
    """The holder of the document then."""
    run_id: str = field(default_factory=new_run_id)

    def __post_init__(self) -> None:
        """Load the rows that :meth:`find` needs: on the event loop, none can be loaded."""
        _ = self.click.invoice.organisation, self.click.invoice.customer

    @property
    def holder(self) -> Holder:
        """The person for whom the document is held."""
        return self.held_for or holder_of(self.click.invoice, self.click.user.id)

    @property
    def command(self) -> str:
        """The command that gives it."""
        return INVOICE_COMMAND

    @property
    def organisation_id(self) -> str:
        """The organisation whose sources are asked."""
        return self.click.invoice.organisation_id

    @property
    def state(self) -> str:
        """A text that changes with the invoice."""
        return self.click.invoice.changed_at.isoformat()

    def file_name(self, extension: str) -> str:
        """Return the file name, made from the invoice's number."""
        return document_name(self.click.invoice, extension=extension)

    def saved_name(self, found: FoundDocument) -> str:
        """Return the name under which a browser saves what was found."""
        return saved_name(self.click.invoice, found)

    async def find(self) -> FoundDocument:
        """Try the sources in order, and return the first document; the caller closes it.

        Raises:
            BillhookError: whose ``public_message`` is for members; a contact gets another. A
                failure counts more than "not found", since nobody knows what it would have given.
                If the server stops meanwhile, it is ServerStopped.
        """
        return await or_stopped(self._find())

    async def _find(self) -> FoundDocument:
        failure: BillhookError | None = None
        organisation_id = self.click.invoice.organisation_id
        async for source in get_store().sources_of(organisation_id, INVOICE_COMMAND):
            use = self._use(source.id, is_first=failure is None)
            fetch = Fetch(
                integration=source, command=INVOICE_COMMAND, click=self.click, run_id=use.run_id
            )
            try:
                return await run_recorded(use, fetch.find)
            except DocumentNotFound as error:
                failure = failure or error
            except BillhookError as error:
                if source.on_failure != OnFailure.NEXT:
                    raise
                failure = error
        if failure is not None and not self._may_summarise:
            raise failure
        return await run_recorded(self._use(None, is_first=failure is None), self._summarise)

    def _use(self, integration_id: str | None, *, is_first: bool) -> RunContext:
        return RunContext(
            organisation_id=self.click.invoice.organisation_id,
            integration_id=integration_id,
            command=INVOICE_COMMAND,
            kind=self.kind,
            user_id=self._reader_id,
            invoice_id=self.click.invoice.id,
            run_id=self.run_id if is_first else new_run_id(),
            part_of="" if is_first else self.run_id,
        )

    @property
    def _reader_id(self) -> str:
        return self.reader_id or self.click.user.id

    async def _summarise(self, trace: Trace) -> FoundDocument:  # noqa: ARG002 - as every run
        if not self._may_summarise:
            raise ConfigurationError((_NO_INTEGRATION,))
        content = await asyncio.to_thread(draw_plain_invoice, plain_invoice(self.click.invoice))
        document = Document(media_type="application/pdf", extension="pdf", body=Body(content))
        return FoundDocument(document=document, reason=PLAIN_RENDERING)

    @property
    def _may_summarise(self) -> bool:
        return self.click.invoice.organisation.plain_rendering
