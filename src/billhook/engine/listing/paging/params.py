"""The values that make a request that of one page: size, position and time.

They are tokens where the request has them, and parameters that Billhook adds.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from urllib.parse import quote

from billhook.engine.command.preview import MaskedRequest
from billhook.engine.listing.listing import ListRequest, Param
from billhook.engine.listing.paging.pager import Pager
from billhook.engine.listing.plan import Slice
from billhook.engine.listing.position import ListPosition
from billhook.engine.tokens.catalogue import Value
from billhook.engine.tokens.template import Shown, ShownPiece

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_A_DAY: Final = timedelta(days=1)


def page_tokens(
    request: ListRequest,
    position: ListPosition,
    span: Slice,
    *,
    customers: Sequence[str] = (),
    now: datetime,
) -> dict[str, Value]:
    """Return the tokens of the page at *position* of *span*, for these *customers*."""
    changes = request.changes
    last_id: Value = 0 if position.last_id is None else position.last_id
    return {
        "PageNumber": position.number or 0,
        "Offset": position.offset or 0,
        "PageSize": request.paging.size,
        "PageToken": "" if position.token is None else position.token,
        "LastId": last_id,
        "ChangedSince": changes.format.write(span.since or _beginning(request)),
        "ChangedUntil": changes.format.write(span.until or now + _A_DAY),
        "CustomerId": ",".join(customers),
    }


def first_page_tokens(request: ListRequest, *, now: datetime) -> dict[str, Value]:
    """Return the tokens of the first page of a full run, without those of a customer."""
    tokens = page_tokens(request, _first(request), Slice(), now=now)
    return {name: value for name, value in tokens.items() if name != "CustomerId"}


def page_params(
    request: ListRequest, position: ListPosition, span: Slice
) -> Iterator[tuple[Param, Any]]:
    """Yield the parameters of the page at *position* of *span*, each with its value."""
    paging, changes = request.paging, request.changes
    if paging.size_param is not None:
        yield paging.size_param, paging.size
    value = _position_value(position, paging.kind)
    if paging.position is not None and value is not None:
        yield paging.position, value
    for param, moment in ((changes.since, span.since), (changes.until, span.until)):
        if param is not None and moment is not None:
            text = changes.format.write(moment)
            is_number = param.place == "json" and changes.format.text in {"unix", "unix-ms"}
            yield param, int(text) if is_number else text


def with_first_page(
    requests: Sequence[MaskedRequest], request: ListRequest
) -> tuple[MaskedRequest, ...]:
    """Return *requests* for people, the last with the parameters of the first page of a full run.

    A parameter that is set in a JSON body isn't shown there.
    """
    *earlier, paged = requests
    position = _first(request)
    for param, value in page_params(request, position, Slice()):
        if param.place == "header":
            header = (param.name, _shown(str(value)))
            paged = replace(paged, headers=(*paged.headers, header))
        elif param.place == "query":
            sign = "&" if "?" in paged.url.text else "?"
            pair = f"{sign}{quote(param.name, safe='')}={quote(str(value), safe='')}"
            url = Shown(pieces=(*paged.url.pieces, ShownPiece(text=pair)))
            paged = replace(paged, url=url)
    return (*earlier, paged)


def _first(request: ListRequest) -> ListPosition:
    return Pager(request.paging, ListPosition()).position


def _beginning(request: ListRequest) -> datetime:
    """Return the time since which a full run asks where the request itself has the token."""
    start = request.changes.start
    return _EPOCH if start is None else datetime(start.year, start.month, start.day, tzinfo=UTC)


def _shown(text: str) -> Shown:
    return Shown(pieces=(ShownPiece(text=text),))


def _position_value(position: ListPosition, kind: str) -> str | int | None:
    """Return the value that carries *position*; None on the first page of tokens and ids."""
    if kind == "number":
        return position.number
    if kind == "offset":
        return position.offset
    return position.token if kind == "token" else position.last_id if kind == "last-id" else None
