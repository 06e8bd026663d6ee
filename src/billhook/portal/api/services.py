"""Calls with an Idempotency-Key: reserved before the work, and kept with its result."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from billhook.portal.api.access import call_of_key
from billhook.portal.api.models import IdempotentCall
from billhook.portal.integrations.models import ApiKey
from billhook.portal.limits.pace import AT_ONCE, Pace

KEPT: Final = timedelta(hours=24)
"""Time for which a repeated call gets the first one's response."""
_HELD: Final = timedelta(minutes=2)
"""Time after which a call that has left no response, as of a process that died, is forgotten."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reservation:
    """The right to do the work of a call, or the response that it had before."""

    call_id: int
    token: str
    response: bytes | None = None


class CallInProgress(Exception):
    """A call with the same Idempotency-Key hasn't ended yet."""


class OtherCall(Exception):
    """The Idempotency-Key was used for a call with another body or another address."""


def reserve_call(*, key: ApiKey, text: str, digest: str) -> Reservation:
    """Reserve the Idempotency-Key *text* for one call; or return the response it had.

    Raises:
        CallInProgress: if it is reserved by a call that goes on.
        OtherCall: if it was used for a call with another *digest*.
    """
    now, token = timezone.now(), secrets.token_hex(16)
    facts = {"digest": digest, "token": token, "held_until": now + _HELD, "created_at": now}
    try:
        with transaction.atomic():
            made = IdempotentCall.objects.create(api_key=key, text=text, **facts)
    except IntegrityError:
        return _reserved_before(key, text, digest, facts)
    return Reservation(call_id=made.pk, token=token)


def _reserved_before(key: ApiKey, text: str, digest: str, facts: dict[str, object]) -> Reservation:
    now = timezone.now()
    known = call_of_key(key, text)
    if known is None:  # it has just been released
        raise CallInProgress
    is_over = known.created_at <= now - KEPT
    if not is_over and known.digest != digest:
        raise OtherCall
    if not is_over and known.response is not None:
        return Reservation(call_id=known.pk, token="", response=bytes(known.response))
    abandoned = Q(response=None, held_until__lt=now) | Q(created_at__lte=now - KEPT)
    mine = IdempotentCall.objects.filter(abandoned, pk=known.pk, token=known.token)
    if not mine.update(**facts, response=None):
        raise CallInProgress
    return Reservation(call_id=known.pk, token=str(facts["token"]))


def keep_response(*, reservation: Reservation, response: bytes) -> None:
    """Keep the response of a call, in the transaction of its work.

    Raises:
        CallInProgress: if another call has taken the reservation over: then the work must go.
    """
    mine = IdempotentCall.objects.filter(pk=reservation.call_id, token=reservation.token)
    if not mine.update(response=response):
        raise CallInProgress


def release_call(*, reservation: Reservation) -> None:
    """Forget a call that changed nothing, so that it can be repeated."""
    held = IdempotentCall.objects.filter(pk=reservation.call_id, token=reservation.token)
    held.filter(response=None).delete()


def forget_old_calls(pace: Pace = AT_ONCE) -> None:
    """Delete the calls that are too old to be repeated."""
    pace.delete(IdempotentCall.objects.filter(created_at__lte=timezone.now() - KEPT))
