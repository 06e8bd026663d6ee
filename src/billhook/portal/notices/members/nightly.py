"""The nightly check of a source: it is asked for the document of an invoice that it has."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Final

from asgiref.sync import async_to_sync

from billhook.engine.errors import BillhookError, SourceTimeout
from billhook.engine.http.trace import OK, Trace
from billhook.portal.documents.invoice_document import INVOICE_COMMAND
from billhook.portal.documents.token_values import Click, invoice_tokens
from billhook.portal.installation import environment
from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.models import Integration
from billhook.portal.integrations.store import get_store
from billhook.portal.notices.access import invoice_to_check, reader_for_check, rules_of
from billhook.portal.notices.calendar import last_daily_time, zone_of
from billhook.portal.notices.models import SourceCheck
from billhook.portal.runs.models import RunKind
from billhook.portal.runs.outcomes import sentence_of
from billhook.portal.runs.recorder import FoundDocument, RunContext, get_recorder, run_recorded

HOUR: Final = 3
"""The hour of the check, in the organisation's time zone."""
_SHARE: Final = 0.4
"""The share of a job's lease that a check may take: 24 seconds of 60."""


def is_check_due(check: SourceCheck, *, now: datetime) -> bool:
    """Return whether the last check was before the last time at which one was due."""
    if not check.is_on:
        return False
    zone = zone_of(rules_of(check.integration.organisation).time_zone)
    due = last_daily_time(now, hour=HOUR, zone=zone)
    return check.checked_at is None or check.checked_at < due


def do_check(check: SourceCheck, *, now: datetime) -> None:
    """Ask the source, and note the result in *check*, which the caller saves. No copy is used."""
    integration = check.integration
    invoice = invoice_to_check(integration, check.number)
    check.checked_at, check.run_id, check.outcome, check.reason = now, "", "", ""
    check.checked_number = invoice.number if invoice else ""
    reader = reader_for_check(invoice) if invoice else None
    if invoice is None or reader is None:
        return
    use = RunContext(
        organisation_id=integration.organisation_id,
        integration_id=integration.id,
        command=INVOICE_COMMAND,
        kind=RunKind.CHECK,
        invoice_id=invoice.id,
    )
    try:
        if async_to_sync(_ask)(integration, Click(invoice=invoice, user=reader), use):
            check.run_id, check.outcome = use.run_id, OK
    except BillhookError as error:
        check.run_id, check.outcome, check.reason = use.run_id, error.code, error.reason
    finally:
        get_recorder().flush()


def sentence_about(check: SourceCheck) -> str:
    """Return the result of a check that failed, as members read it."""
    sentence = sentence_of(check.outcome, check.reason)
    return f"The nightly check with invoice {check.checked_number} gave no document. {sentence}"


async def _ask(integration: Integration, click: Click, use: RunContext) -> bool:
    """Ask for the document; return False if the integration has no command for that."""
    try:
        live = await get_store().read_integration(integration, integration.id, INVOICE_COMMAND)
        if live is None:
            return False
        found = await run_recorded(use, lambda trace: _document(live, click, use, trace))
        found.document.close()
        return True
    finally:
        await get_store().stop(seconds=1)  # its connections belong to this event loop


async def _document(
    live: LiveIntegration, click: Click, use: RunContext, trace: Trace
) -> FoundDocument:
    tokens = invoice_tokens(click, live.commands[use.command].tokens)
    try:
        async with asyncio.timeout(environment.current().job_lease_seconds * _SHARE):
            document = await live.run(use.command, tokens, trace=trace, run_id=use.run_id)
    except TimeoutError:
        raise SourceTimeout("whole") from None
    return FoundDocument(document=document)
