"""Fetches one document from one source, unless a kept copy or another click's fetch will do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.crypto import salted_hmac

from billhook.engine.answer.document import Document
from billhook.engine.command.command import Command
from billhook.engine.delivery import LINK_TYPE
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import Transport
from billhook.engine.run import run_command
from billhook.engine.tokens.catalogue import Value
from billhook.engine.tokens.values import Values
from billhook.portal.documents.cache import CacheKey, DocumentCache, Kept, document_cache
from billhook.portal.documents.revalidation import RevalidatingTransport
from billhook.portal.documents.single_flight import Flights
from billhook.portal.documents.token_values import Click, invoice_tokens
from billhook.portal.integrations.live import LiveIntegration
from billhook.portal.integrations.models import Keeping
from billhook.portal.runs.outcomes import KEPT, UNCHANGED
from billhook.portal.runs.recorder import FoundDocument
from billhook.portal.storage.threads import in_storage_thread

_OF_CONTACT: Final = ("ContactEmail", "ContactName")
"""Tokens that differ from contact to contact, so that each has a document of their own."""
_flights = Flights()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One fetch: an integration's command, filled for one click, in the run of that id."""

    integration: LiveIntegration
    command: str
    click: Click
    run_id: str

    async def find(self, trace: Trace) -> FoundDocument:
        """Return the document; see :func:`billhook.engine.run.run_command` for what it raises."""
        live, command = self.integration, self.integration.commands[self.command]
        tokens = invoice_tokens(self.click, command.tokens)
        values = live.values(self.command, tokens, run_id=self.run_id)
        run = _Run(integration=live, command=command, values=values, trace=trace)
        cache = document_cache()
        if live.keeping == Keeping.OFF or not cache.is_on:
            return FoundDocument(document=await run.document(live.transport))
        key = self._key(tokens)
        kept = await cache.look(key)
        if kept is not None and live.keeping == Keeping.TRUSTED and cache.is_fresh(kept):
            found = await _from_cache(cache, kept, key)
            if found is not None:
                return found
        return await _flights.join(key, lambda: run.revalidate(cache, key, kept))

    def _key(self, tokens: Mapping[str, Value]) -> CacheKey:
        live, invoice = self.integration, self.click.invoice
        who = {name: tokens[name] for name in _OF_CONTACT if name in tokens}
        subject = (live.id, self.command, invoice.id, who)
        state = (live.stamp, invoice.changed_at.isoformat(), sorted(tokens.items()))
        return CacheKey(
            subject=_digest(subject),
            state=_digest(state),
            organisation_id=live.organisation_id,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    """The run of a fetch that no kept copy spares."""

    integration: LiveIntegration
    command: Command
    values: Values
    trace: Trace

    async def document(self, transport: Transport) -> Document:
        return await run_command(
            self.command,
            self.values,
            transport=transport,
            trace=self.trace,
            share=self.integration.organisation_id,
        )

    async def revalidate(
        self, cache: DocumentCache, key: CacheKey, kept: Kept | None
    ) -> FoundDocument:
        """Fetch the document, unless the source says that the kept one is still the same."""
        transport = RevalidatingTransport(
            self.integration.transport, cache=cache, key=key, kept=kept
        )
        document = await self.document(transport)
        if kept is not None and transport.is_unchanged(document):
            await in_storage_thread(cache.confirm, key, kept)
            return FoundDocument(document=document, reason=UNCHANGED, fetched_at=kept.fetched_at)
        named = transport.name_of(document)
        may_keep = named is not None or self.integration.keeping == Keeping.TRUSTED
        if may_keep and document.media_type != LINK_TYPE and not document.attachments:
            etag, request = (named.etag, named.request) if named else ("", "")
            await in_storage_thread(cache.put, key, document, etag=etag, request=request)
        return FoundDocument(document=document)


async def _from_cache(cache: DocumentCache, kept: Kept, key: CacheKey) -> FoundDocument | None:
    body = await in_storage_thread(cache.open, kept, key)
    if body is None:
        return None
    return FoundDocument(document=kept.document(body), reason=KEPT, fetched_at=kept.fetched_at)


def _digest(parts: object) -> str:
    """Return a digest of *parts* that reveals nothing: values of an invoice are among them."""
    return salted_hmac("billhook.cache", repr(parts), algorithm="sha256").hexdigest()
