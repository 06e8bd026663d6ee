"""Reads what the store needs to know of API keys, changes and orders, from the database."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import StrIndex

from billhook.portal.fields.key_scopes import RUN, scopes_from_text
from billhook.portal.integrations.live import Stamp
from billhook.portal.integrations.models import ApiKey, Change, Integration, Revision

AT_ONCE: Final = 500
"""Rows asked for by their ids in one statement."""
FIRST_SOURCES: Final = 32
"""Sources of one command that are kept in order. Nobody waits for more of them to be tried."""


def read_revision() -> int:
    """Return the number that grows with every change."""
    return Revision.objects.filter(pk=1).values_list("number", flat=True).first() or 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The subjects of some changes: organisations as a whole, and single integrations and keys."""

    organisations: frozenset[str]
    integrations: frozenset[str]
    keys: frozenset[str]
    orders: frozenset[str]
    """The organisations whose integrations, or their order, changed."""


def read_changes(after: int, to: int) -> Changed | None:
    """Return what the changes after number *after* up to *to* were about.

    None if that isn't known: they are too long ago, or an older version of Billhook made some.
    """
    found = list(Change.objects.filter(number__gt=after, number__lte=to))
    if len(found) != to - after:
        return None
    of_all = (each for each in found if not each.integration_id and not each.key_id)
    return Changed(
        organisations=frozenset(each.organisation_id for each in of_all),
        integrations=frozenset(each.integration_id for each in found if each.integration_id),
        keys=frozenset(each.key_id for each in found if each.key_id),
        orders=frozenset(each.organisation_id for each in found if not each.key_id),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """A caller of the gateway: an API key, and the organisation that it belongs to.

    ``expires_at`` is in seconds since 1970; None for a key that doesn't expire.
    """

    key_id: str
    organisation_id: str
    may_run: bool = True
    expires_at: float | None = None


def read_digests() -> Iterator[str]:
    """Give the digest of every key that isn't revoked."""
    return _valid_keys().values_list("digest", flat=True).iterator(chunk_size=5000)


def read_caller(digest: str) -> Caller | None:
    """Return whose key has *digest*, unless it is revoked."""
    return dict(_callers(_valid_keys().filter(digest=digest))).get(digest)


def read_last_callers(most: int) -> list[tuple[str, Caller]]:
    """Return digest and caller of the valid keys that were used last."""
    last = _valid_keys().order_by(F("last_used_at").desc(nulls_last=True))
    return list(_callers(last[:most]))


def read_callers_of(key_ids: Collection[str]) -> list[tuple[str, Caller]]:
    """Return digest and caller of the valid ones among these keys."""
    return list(_callers(_valid_keys().filter(id__in=key_ids)))


def _valid_keys() -> QuerySet[ApiKey]:
    return ApiKey.objects.filter(revoked_at=None).order_by()


def _callers(keys: QuerySet[ApiKey]) -> Iterator[tuple[str, Caller]]:
    fields = ("digest", "id", "organisation_id", "scopes", "expires_at")
    for digest, id_, organisation, scopes, expires_at in keys.values_list(*fields):
        yield (
            digest,
            Caller(
                key_id=id_,
                organisation_id=organisation,
                may_run=RUN in scopes_from_text(scopes),
                expires_at=None if expires_at is None else expires_at.timestamp(),
            ),
        )


def read_stamps(ids: Collection[str]) -> dict[str, Stamp]:
    """Return the stamps of the enabled integrations among *ids*."""
    every = list(ids)
    stamps: dict[str, Stamp] = {}
    for start in range(0, len(every), AT_ONCE):
        rows = Integration.objects.filter(enabled=True, id__in=every[start : start + AT_ONCE])
        found = rows.order_by().values_list("id", "version", "connection")
        stamps |= {id_: (version, connection) for id_, version, connection in found}
    return stamps


def read_newest_ids(most: int) -> list[str]:
    """Return the ids of the enabled integrations that were changed last."""
    newest = Integration.objects.filter(enabled=True).order_by("-changed_at")
    return list(newest.values_list("id", flat=True)[:most])


def read_id(organisation_id: str, id_or_name: str) -> str | None:
    """Return the id of an organisation's enabled integration, given its id or else its name."""
    rows = Integration.objects.filter(organisation_id=organisation_id, enabled=True)
    found = rows.filter(Q(id=id_or_name) | Q(name=id_or_name)).values_list("id", flat=True)
    ids = set(found)
    return id_or_name if id_or_name in ids else next(iter(ids), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOrder:
    """The first integrations of an organisation that have a command, in the order of their use.

    ``last`` is where they end if there are more. ``configuration`` changes when one of them does.
    """

    ids: tuple[str, ...]
    last: tuple[Any, ...] | None
    configuration: str


def read_order(
    organisation_id: str, command: str, *, after: tuple[Any, ...] | None = None
) -> SourceOrder:
    """Return the enabled integrations in which *command* is written, from *after* on."""
    named = json.dumps(command, ensure_ascii=False)  # as it is written in the column
    rows = (
        Integration.objects.filter(organisation_id=organisation_id, enabled=True)
        .annotate(at=StrIndex("commands", Value(named)))
        .filter(at__gt=0)
        .order_by("position", "created_at", "id")
    )
    if after is not None:
        rows = rows.filter(_behind(after))
    fields = ("id", "position", "created_at", "version", "connection")
    found = list(rows.values_list(*fields)[: FIRST_SOURCES + 1])
    has_more, kept = len(found) > FIRST_SOURCES, found[:FIRST_SOURCES]
    stamps = [(row[0], *row[3:]) for row in kept]
    return SourceOrder(
        ids=tuple(row[0] for row in kept),
        last=(kept[-1][1], kept[-1][2], kept[-1][0]) if has_more else None,
        configuration=sha256(repr(stamps).encode()).hexdigest(),
    )


def _behind(last: tuple[Any, ...]) -> Q:
    position, created_at, id_ = last
    same_position = Q(position=position)
    return (
        Q(position__gt=position)
        | same_position & Q(created_at__gt=created_at)
        | same_position & Q(created_at=created_at, id__gt=id_)
    )
