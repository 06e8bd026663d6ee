"""The way from page to page of one slice: what comes next, and whether the list goes in circles."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from billhook.engine.errors import ListRepeats, ListTooLong
from billhook.engine.listing.listing import Paging
from billhook.engine.listing.position import ListPosition

MAX_FRUITLESS: Final = 3
"""So many pages in a row may have no new id: rows that were inserted push others back."""
_LED: Final = frozenset({"next-url", "link", "token"})
"""The kinds of pages whose response says what comes next."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """The facts of a page that lead on: its ids, the last one, the next token or URL, the total."""

    ids: Sequence[str]
    last_id: str | int | None
    next: Any
    total: int | None
    more: bool | None


class Pager:
    """Follows the pages of one slice from *position* on."""

    def __init__(self, paging: Paging, position: ListPosition) -> None:
        self._paging = paging
        self._ids: set[int] = set()
        self._pages: set[int] = set()
        self._ways: set[int] = set()
        self._fruitless = 0
        self._is_cut = False
        self.position = self._start(position)
        self.total: int | None = None

    def _start(self, position: ListPosition) -> ListPosition:
        paging = self._paging
        if position.page:
            return position
        return replace(
            position,
            number=paging.first if paging.kind == "number" else None,
            offset=paging.first if paging.kind == "offset" else None,
        )

    def advance(self, facts: PageFacts) -> bool:
        """Note a page, and move to the next one; return whether there is one.

        Raises ListRepeats where the list goes in circles, and ListTooLong.
        """
        position = self.position
        is_new = self._note_ids(facts.ids)
        rows = len(facts.ids)
        self.total = facts.total
        position = replace(
            position,
            page=position.page + 1,
            rows=position.rows + rows,
            seen=position.seen + is_new,
        )
        self.position = replace(position, token=None, url="")
        if not self._has_more(facts, rows):
            return False
        self.position = self._next(position, facts, rows)
        self._check_way(facts, is_new=bool(is_new))
        if self.position.page >= self._paging.max_pages:
            raise ListTooLong(self._paging.max_pages)
        return True

    def _note_ids(self, ids: Sequence[str]) -> int:
        """Return how many *ids* are new; raise ListRepeats if the page is one that came before."""
        before = len(self._ids)
        self._ids.update(hash(each) for each in ids if each)
        new = len(self._ids) - before
        page = hash(tuple(ids))
        if ids and page in self._pages:
            raise ListRepeats
        if ids:
            self._pages.add(page)
        self._fruitless = 0 if new or not ids else self._fruitless + 1
        if self._fruitless >= MAX_FRUITLESS:
            raise ListRepeats
        return new

    def _has_more(self, facts: PageFacts, rows: int) -> bool:
        paging = self._paging
        if paging.kind == "none" or (not rows and paging.kind not in _LED):
            return False
        if paging.kind in _LED and facts.next in {None, "", False}:
            self._is_cut = bool(facts.more)
            return False
        if paging.has_more_when:
            return bool(facts.more)
        return paging.kind in _LED or self._may_have_more(facts.total, rows)

    def _may_have_more(self, total: int | None, rows: int) -> bool:
        paging = self._paging
        if paging.has_total and total is not None:
            return self._is_before_total(total, rows)
        return paging.last_page == "empty" or rows >= paging.size

    def _is_before_total(self, total: int, rows: int) -> bool:
        paging, position = self._paging, self.position
        if paging.total_is_pages:
            return position.page < total
        if position.offset is not None:
            return position.offset - paging.first + rows < total
        return position.seen < total

    def _next(self, position: ListPosition, facts: PageFacts, rows: int) -> ListPosition:
        kind = self._paging.kind
        if kind == "number":
            return replace(position, number=(position.number or 0) + 1)
        if kind == "offset":
            return replace(position, offset=(position.offset or 0) + rows)
        if kind == "last-id":
            return replace(position, last_id=facts.last_id)
        if kind == "token":
            return replace(position, token=facts.next)
        return replace(position, url=str(facts.next))

    def _check_way(self, facts: PageFacts, *, is_new: bool) -> None:
        """Raise ListRepeats for a URL, or a last id, that was used before; a token may be again."""
        position = self.position
        way = position.url or position.token or position.last_id
        if way is None:
            return
        key = hash(str(way))
        if key in self._ways and (self._paging.kind != "token" or not is_new):
            raise ListRepeats
        if facts.ids or self._paging.kind != "token":
            self._ways.add(key)

    @property
    def is_complete(self) -> bool:
        """Whether as many different rows came as the source says that there are."""
        paging = self._paging
        if self._is_cut:
            return False
        if not paging.has_total or paging.total_is_pages or self.total is None:
            return True
        return self.position.seen >= self.total
