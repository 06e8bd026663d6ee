"""Fetches one document from one source: out of what is kept, with others, or anew."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from django.utils.crypto import salted_hmac

from billhook.engine.answer.document import Document
from billhook.engine.delivery import LINK_TYPE
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import Transport
from billhook.engine.run import run_command
from billhook.engine.tokens.catalogue import Value
from billhook.engine.tokens.values import Values
from billhook.portal.documents.cache import DocumentCache, Kept, Key, document_cache
from billhook.portal.documents.revalidation import RevalidatingTransport
from billhook.portal.documents.single_flight import Flights
from billhook.portal.integrations.models import Keeping
from billhook.portal.integrations.store import Prepared
from billhook.portal.runs.outcomes import KEPT, UNCHANGED
from billhook.portal.runs.recorder import Found

_OF_CONTACT: Final = ("ContactEmail", "ContactName")
"""Tokens that differ from contact to contact, so that each has a document of their own."""
_flights = Flights()


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """One fetch: the command with its values, for one version of one invoice."""

    prepared: Prepared
    tokens: Mapping[str, Value]
    values: Values
    invoice_id: str
    invoice_version: str

    async def find(self, trace: Trace) -> Found:
        """Return the document; see :func:`billhook.engine.run.run_command` for what it raises."""
        cache = document_cache()
        if self.prepared.keeping == Keeping.OFF or not cache.is_on:
            return Found(document=await self._run(self.prepared.transport, trace))
        key = self.key()
        kept = cache.look(key)
        if kept is not None and self.prepared.keeping == Keeping.TRUSTED and cache.is_fresh(kept):
            found = await _from_cache(cache, kept)
            if found is not None:
                return found
        return await _flights.join(key, lambda: self._fetch(cache, key, kept, trace))

    async def _run(self, transport: Transport, trace: Trace) -> Document:
        command = self.prepared.command
        return await run_command(command, self.values, transport=transport, trace=trace)

    def key(self) -> Key:
        """Return what the document is kept for."""
        prepared = self.prepared
        who = {name: self.tokens[name] for name in _OF_CONTACT if name in self.tokens}
        subject = (prepared.integration_id, prepared.command.name, self.invoice_id, who)
        state = (prepared.stamp, self.invoice_version, sorted(self.tokens.items()))
        return Key(subject=_digest(subject), state=_digest(state))

    async def _fetch(
        self, cache: DocumentCache, key: Key, kept: Kept | None, trace: Trace
    ) -> Found:
        """Fetch the document, unless the source says that the kept one is still the same."""
        transport = RevalidatingTransport(self.prepared.transport, cache=cache, kept=kept)
        document = await self._run(transport, trace)
        if kept is not None and transport.is_unchanged(document):
            await asyncio.to_thread(cache.confirm, key, kept)
            return Found(document=document, reason=UNCHANGED, fetched_at=kept.fetched_at)
        named = transport.name_of(document)
        may_keep = named is not None or self.prepared.keeping == Keeping.TRUSTED
        if may_keep and document.media_type != LINK_TYPE:
            etag, request = (named.etag, named.request) if named else ("", "")
            await asyncio.to_thread(cache.put, key, document, etag=etag, request=request)
        return Found(document=document)


async def _from_cache(cache: DocumentCache, kept: Kept) -> Found | None:
    body = await asyncio.to_thread(cache.open, kept)
    if body is None:
        return None
    return Found(document=kept.document(body), reason=KEPT, fetched_at=kept.fetched_at)


def _digest(parts: object) -> str:
    """Return a digest of *parts* that tells nothing: values of an invoice are among them."""
    return salted_hmac("billhook.cache", repr(parts), algorithm="sha256").hexdigest()
