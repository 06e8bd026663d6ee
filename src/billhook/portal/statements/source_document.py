"""GetStatement: the statement that a source makes, asked for at the click and not kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import Final

from billhook.engine.errors import (
    BillhookError,
    ConfigurationError,
    DocumentNotFound,
    Problem,
)
from billhook.engine.http.trace import Trace
from billhook.engine.record import new_run_id
from billhook.engine.tokens.catalogue import STATEMENT_COMMAND
from billhook.portal.documents.statement_click import StatementClick, statement_tokens
from billhook.portal.documents.visits.wanted import or_stopped
from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.models import OnFailure
from billhook.portal.integrations.store import get_store
from billhook.portal.runs.models import RunKind
from billhook.portal.runs.recorder import FoundDocument, RunContext, run_recorded
from billhook.portal.statements.file_name import statement_name
from billhook.portal.statements.sources import statement_sources
from billhook.portal.storage.shelf import Holder

_NO_INTEGRATION: Final = Problem(
    code="no-integration",
    message=f"No enabled integration has the command {STATEMENT_COMMAND} for this customer.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceStatement:
    """The statement of a customer for a person who may see it; :meth:`find` gets it.

    ``run_id`` is the id of the first run, by which people can ask about it.
    """

    click: StatementClick
    kind: RunKind
    reader_id: str
    """The user who reads it: a member, where one looks as a contact."""
    shared_by: str = ""
    """The members who may see it, too, such as those who look as one contact; empty if it is for
    the reader alone."""
    run_id: str = field(default_factory=new_run_id)
    _sources: tuple[str, ...] = field(init=False)
    """The ids of the integrations that may be asked."""

    def __post_init__(self) -> None:
        """Load what :meth:`find` needs: on the event loop, no row can be loaded."""
        _ = self.click.customer.organisation
        object.__setattr__(self, "_sources", statement_sources(self.click.customer))

    @property
    def has_source(self) -> bool:
        """Whether a source makes statements for the customer."""
        return bool(self._sources)

    @property
    def command(self) -> str:
        """The command that gives it."""
        return STATEMENT_COMMAND

    @property
    def organisation_id(self) -> str:
        """The organisation whose sources are asked."""
        return self.click.customer.organisation_id

    @property
    def holder(self) -> Holder:
        """The person for whom it is held, and the customer and the days."""
        customer, period = self.click.customer, self.click.period
        return Holder(
            user_id="" if self.shared_by else self.reader_id,
            subject=f"statement:{customer.id}:{period.start}:{period.end}:{self.shared_by}",
            organisation_id=customer.organisation_id,
        )

    @property
    def state(self) -> str:
        """A text that changes with the facts that it is about: here the holder has them all."""
        return ""

    def file_name(self, extension: str) -> str:
        """Return the file name, made from the customer's number and the days."""
        return statement_name(self.click.customer, self.click.period, extension=extension)

    def saved_name(self, found: FoundDocument) -> str:
        """Return the name under which a browser saves what was found."""
        return self.file_name(found.document.extension)

    async def find(self) -> FoundDocument:
        """Ask the sources in their order, and return the first statement; the caller closes it.

        After "not found" the next source is asked; after a failure, only if the integration is
        set so.

        Raises:
            BillhookError: whose ``public_message`` is for members; a contact gets another. If the
                server stops meanwhile, it is ServerStopped.
        """
        return await or_stopped(self._find())

    async def _find(self) -> FoundDocument:
        failure: BillhookError | None = None
        async for source in get_store().sources_of(self.organisation_id, STATEMENT_COMMAND):
            if source.id not in self._sources:
                continue
            use = self._use(source.id, is_first=failure is None)
            try:
                return await run_recorded(use, partial(self._ask, source, use.run_id))
            except DocumentNotFound as error:
                failure = failure or error
            except BillhookError as error:
                if source.on_failure != OnFailure.NEXT:
                    raise
                failure = error
        if failure is None:
            return await run_recorded(self._use(None, is_first=True), _ask_nobody)
        raise failure

    async def _ask(self, source: LiveIntegration, run_id: str, trace: Trace) -> FoundDocument:
        tokens = statement_tokens(self.click, source.commands[STATEMENT_COMMAND].tokens)
        document = await source.run(STATEMENT_COMMAND, tokens, trace=trace, run_id=run_id)
        return FoundDocument(document=document)

    def _use(self, integration_id: str | None, *, is_first: bool) -> RunContext:
        return RunContext(
            organisation_id=self.organisation_id,
            integration_id=integration_id,
            command=STATEMENT_COMMAND,
            kind=self.kind,
            user_id=self.reader_id,
            customer_id=self.click.customer.id,
            run_id=self.run_id if is_first else new_run_id(),
            part_of="" if is_first else self.run_id,
        )


async def _ask_nobody(trace: Trace) -> FoundDocument:  # noqa: ARG001 - as every run
    raise ConfigurationError((_NO_INTEGRATION,))
