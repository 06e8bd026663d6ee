"""A response that somebody has at hand, mapped as a page of a list would be: nothing is sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

from billhook.engine.answer.content import Content, Unreadable
from billhook.engine.body import Body
from billhook.engine.errors import ListUnreadable
from billhook.engine.listing.listing import Listing
from billhook.engine.listing.mapped import map_rows
from billhook.engine.listing.page import ListedPage
from billhook.engine.listing.position import ListPosition
from billhook.engine.reader.pool import Inspection, readers
from billhook.engine.tokens.values import Values

_SECONDS: Final = 20.0
_OK: Final = 200


async def map_sample(
    listing: Listing,
    body: bytes,
    headers: Iterable[tuple[str, str]] = (),
    *,
    pass_name: str = "",
    share: str = "",
) -> ListedPage:
    """Return the rows of *body*, a page of the list, mapped; nothing is sent to the source.

    Rows that would stop a run are in ``stops``. Raises ListUnreadable where it isn't a page of the
    list, and what reading any response raises.
    """
    request = listing.request_of(pass_name)
    content = Content(_OK, tuple(headers), Body(body))
    inspection = Inspection(
        work=request.reading.take, content=content, values=Values({}), plan=request.reading
    )
    deadline = asyncio.get_running_loop().time() + _SECONDS
    try:
        taken = await readers.read(inspection, deadline=deadline, share=share)
    except Unreadable as unreadable:
        raise ListUnreadable(unreadable.reason) from None
    mapped = map_rows(request, taken[0])
    return ListedPage(
        rows=tuple(mapped.rows),
        skipped=tuple(mapped.skipped),
        remarks=tuple(mapped.remarks),
        stops=tuple(mapped.stops),
        excluded=mapped.excluded,
        position=ListPosition(),
        began=datetime.now(UTC),
    )
