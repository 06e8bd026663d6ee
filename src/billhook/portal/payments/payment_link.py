"""GetPaymentLink: asks the source, at the click, for the page where one invoice can be paid.

The link is good for one person and one moment, so it is neither kept nor shared between clicks.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

from billhook.engine.answer.document import Document
from billhook.engine.errors import BillhookError, NoPaymentLink
from billhook.engine.record import new_run_id
from billhook.engine.run import run_command
from billhook.engine.tokens.catalogue import PAYMENT_COMMAND
from billhook.portal.documents.token_values import Click, invoice_tokens
from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.models import OnFailure
from billhook.portal.integrations.store import get_store
from billhook.portal.runs.models import RunKind
from billhook.portal.runs.recorder import RunContext, recorded


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentPage:
    """The page of another site where an invoice is paid, and its host for people."""

    url: str
    host: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentLink:
    """The link for a person who may see the invoice; :meth:`find` gets it.

    ``run_id`` is the id of the first run, by which people can ask about it.
    """

    click: Click
    run_id: str = field(default_factory=new_run_id)

    def __post_init__(self) -> None:
        """Load the rows that :meth:`find` needs: on the event loop, none can be loaded."""
        _ = self.click.invoice.organisation, self.click.invoice.customer

    async def find(self) -> PaymentPage:
        """Ask the sources that have GetPaymentLink, in their order, until one has a link.

        An invoice that comes from one of them is paid there: then no other is asked.

        Raises:
            DocumentNotFound: if none of them has a link, or there are none.
            BillhookError: if one failed that isn't set to let the next one try.
        """
        failure: BillhookError = NoPaymentLink()
        for number, source in enumerate(await self._sources()):
            try:
                return await self._ask(source, is_first=number == 0)
            except NoPaymentLink as error:
                failure = failure if number else error
            except BillhookError as error:
                if error.status != NoPaymentLink.status and source.on_failure != OnFailure.NEXT:
                    raise
                failure = error
        raise failure

    async def _sources(self) -> list[LiveIntegration]:
        """Return the sources to ask: that of the invoice alone, if it has the command."""
        invoice = self.click.invoice
        found = get_store().sources_of(invoice.organisation_id, PAYMENT_COMMAND)
        every = [source async for source in found]
        return [source for source in every if source.id == invoice.integration_id] or every

    async def _ask(self, source: LiveIntegration, *, is_first: bool) -> PaymentPage:
        invoice = self.click.invoice
        use = RunContext(
            organisation_id=invoice.organisation_id,
            integration_id=source.id,
            command=PAYMENT_COMMAND,
            kind=RunKind.PAY,
            user_id=self.click.user.id,
            invoice_id=invoice.id,
            run_id=self.run_id if is_first else new_run_id(),
            part_of="" if is_first else self.run_id,
        )
        command = source.commands[PAYMENT_COMMAND]
        with recorded(use) as trace:
            tokens = invoice_tokens(self.click, command.tokens)
            document = await run_command(
                command,
                source.values(PAYMENT_COMMAND, tokens, run_id=use.run_id),
                transport=source.transport,
                trace=trace,
                share=source.organisation_id,
            )
            return take_page(document)


def take_page(document: Document) -> PaymentPage:
    """Return the page whose address *document* is, as GetPaymentLink gives it, and close it."""
    with document:
        url = document.body.read().decode("ascii")
    return PaymentPage(url=url, host=urlsplit(url).netloc)
