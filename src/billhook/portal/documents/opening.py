"""One click on an invoice: its organisation's sources are asked in order, until one has it.

After "not found" the next one is asked; after a failure, only if the integration is set so. Every
source that is asked leaves a run of its own, and the later ones name the first. Where none has the
document and the organisation allows it, there is a summary from our own record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
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
from billhook.engine.tokens.catalogue import Value
from billhook.portal.accounts.models import User
from billhook.portal.documents.fetching import Fetch
from billhook.portal.documents.token_values import Click, invoice_tokens
from billhook.portal.integrations.models import OnFailure
from billhook.portal.integrations.store import Prepared, get_store
from billhook.portal.invoices.models import Invoice
from billhook.portal.invoices.plain_pdf import PlainInvoice, draw_plain_invoice, plain_invoice
from billhook.portal.runs.models import Kind
from billhook.portal.runs.outcomes import PLAIN_RENDERING
from billhook.portal.runs.recorder import Found, Use, run_recorded

INVOICE_COMMAND: Final = "GetInvoiceImage"
"""The command that gives the document of an invoice."""
_NO_INTEGRATION: Final = Problem(
    code="no-integration",
    message=f"No integration that is on has the command {INVOICE_COMMAND}. "
    "Add one, or switch it on, under Integrations.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One source that may be asked: the run that it will be, its command and the values.

    ``version`` tells one state of the invoice from another.
    """

    use: Use
    prepared: Prepared
    tokens: Mapping[str, Value]
    version: str

    @property
    def goes_on(self) -> bool:
        """Whether the next source is asked when this one fails."""
        return self.prepared.on_failure == OnFailure.NEXT

    async def find(self, trace: Trace) -> Found:
        """Check the values, and fetch the document with them."""
        prepared = self.prepared
        fetch = Fetch(
            prepared=prepared,
            tokens=self.tokens,
            values=prepared.command.values(
                self.tokens, secrets=prepared.secrets, run_id=self.use.run_id
            ),
            invoice_id=self.use.invoice_id or "",
            invoice_version=self.version,
        )
        return await fetch.find(trace)


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The document of one invoice, about to be fetched: everything that it takes is at hand.

    ``use`` is for what no source is asked for. ``plain`` is the summary's content, where the
    organisation allows one.
    """

    sources: tuple[Asked, ...]
    use: Use
    plain: PlainInvoice | None = None

    @property
    def run_id(self) -> str:
        """The id of the first run, by which people can ask for it."""
        return self.sources[0].use.run_id if self.sources else self.use.run_id

    async def find(self) -> Found:
        """Ask the sources, and return the first document; the caller closes it.

        Raises:
            BillhookError: whose ``public_message`` is for members; a contact gets another. A
                failure counts more than "not found", since nobody knows what it would have given.
        """
        failure: BillhookError | None = None
        for asked in self.sources:
            try:
                return await run_recorded(asked.use, asked.find)
            except DocumentNotFound as error:
                failure = failure or error
            except BillhookError as error:
                if not asked.goes_on:
                    raise
                failure = error
        if self.plain is None and failure is not None:
            raise failure
        return await run_recorded(self.use, self._summarise)

    async def _summarise(self, trace: Trace) -> Found:  # noqa: ARG002 - as every run
        if self.plain is None:
            raise ConfigurationError((_NO_INTEGRATION,))
        content = await asyncio.to_thread(draw_plain_invoice, self.plain)
        document = Document(media_type="application/pdf", extension="pdf", body=Body(content))
        return Found(document=document, reason=PLAIN_RENDERING)


def open_document(invoice: Invoice, *, kind: Kind, user: User) -> Opening:
    """Prepare to fetch the document of *invoice* for *user*, who may see it.

    The values of its tokens come from our own row. Nothing is awaited and nothing is sent here:
    :meth:`Opening.find` does that, on the event loop.
    """
    click = Click(invoice=invoice, user=user)
    sources = get_store().sources_of(invoice.organisation_id, INVOICE_COMMAND)
    first = Use(
        organisation_id=invoice.organisation_id,
        integration_id=sources[0].integration_id if sources else None,
        command=INVOICE_COMMAND,
        kind=kind,
        user_id=user.id,
        invoice_id=invoice.id,
    )
    return Opening(
        sources=tuple(
            Asked(
                use=first if prepared is sources[0] else _later(first, prepared.integration_id),
                prepared=prepared,
                tokens=invoice_tokens(click, prepared.command.tokens),
                version=invoice.changed_at.isoformat(),
            )
            for prepared in sources
        ),
        use=_later(first, None) if sources else first,
        plain=plain_invoice(invoice) if invoice.organisation.plain_rendering else None,
    )


def _later(first: Use, integration_id: str | None) -> Use:
    """Return the use that follows *first*, in the same click."""
    return replace(first, integration_id=integration_id, run_id=new_run_id(), part_of=first.run_id)
