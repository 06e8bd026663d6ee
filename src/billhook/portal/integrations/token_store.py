"""Storage for issued tokens in the database: encrypted, and renewed by one process at a time.

A refresh token is often valid for one use, so a process that requests new tokens holds a lease on
the row: a name, and the time until which nobody else may request any. The lease is extended during
the request and ends automatically soon after its process has died. No transaction is open in the
meantime, and all processes go by the database's clock.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import timedelta
from typing import Final, TypeVar

from django.db import DatabaseError, IntegrityError, connections
from django.db.models import DateTimeField, ExpressionWrapper, Q, QuerySet, Value
from django.db.models.expressions import CombinedExpression
from django.db.models.functions import Now
from django.utils import timezone

from billhook.engine.authentication.token_store import IssuedTokens
from billhook.engine.errors import AuthenticationFailed
from billhook.engine.integration import CompiledIntegration
from billhook.engine.secret import Secret
from billhook.portal.integrations.crypto import SecretUnreadableError
from billhook.portal.integrations.models import Integration, StoredTokens
from billhook.portal.integrations.secret_binding import (
    SecretUses,
    uses_from_json,
    uses_of_authentication,
    uses_to_json,
)
from billhook.portal.integrations.vault import decrypt_tokens, encrypt_tokens, key_ring

LEASE: Final = 12.0
"""Seconds for which a lease holds without being extended."""
EXTEND_EVERY: Final = 3.0
ASK_AGAIN: Final = 0.05
"""Seconds between two attempts to get the lease."""
_Result = TypeVar("_Result")


def token_store_of(row: Integration, compiled: CompiledIntegration) -> DatabaseTokenStore | None:
    """Return the token store of *row*, if its scheme has tokens that must be stored."""
    if compiled.authentication is None or not compiled.authentication.scheme.keeps_tokens:
        return None
    return DatabaseTokenStore(row, uses=uses_of_authentication(compiled), lease=LEASE)


class DatabaseTokenStore:
    """Stores the tokens of one integration. They may be sent only as *uses* allows.

    It may be used from several tasks, loops and processes.
    """

    def __init__(self, row: Integration, *, uses: SecretUses, lease: float) -> None:
        self._integration = row
        self._uses = uses
        self._lease = lease

    def lock(self) -> AbstractAsyncContextManager[None]:
        """Lock out every other user of these tokens, in other processes too."""
        return self._locked()

    @asynccontextmanager
    async def _locked(self) -> AsyncIterator[None]:
        name = secrets.token_hex(16)
        while not await _in_thread(lambda: self._take(name)):  # noqa: ASYNC110 - other processes
            await asyncio.sleep(ASK_AGAIN)
        extending = asyncio.create_task(self._extend(name))
        try:
            yield
        finally:
            extending.cancel()
            with suppress(asyncio.CancelledError):
                await extending
            await _in_thread(lambda: self._release(name))

    async def load(self) -> IssuedTokens | None:
        """Return the tokens saved last, if they may go where the integration now sends them."""
        return await _in_thread(self._load)

    async def save(self, tokens: IssuedTokens) -> None:
        """Save *tokens*; they are in the database when this returns."""
        await _in_thread(lambda: self._save(tokens))

    def _take(self, name: str) -> bool:
        """Take the lease, if it is free. The row is created when it is first needed."""
        StoredTokens.objects.get_or_create(integration_id=self._integration.id)
        free = Q(leased_until=None) | Q(leased_until__lt=Now())
        return bool(self._rows().filter(free).update(leased_by=name, leased_until=self._end()))

    async def _extend(self, name: str) -> None:
        while True:
            await asyncio.sleep(min(EXTEND_EVERY, self._lease / 4))
            with suppress(AuthenticationFailed):  # the database may be back before the lease ends
                await _in_thread(
                    lambda: self._rows().filter(leased_by=name).update(leased_until=self._end())
                )

    def _release(self, name: str) -> None:
        self._rows().filter(leased_by=name).update(leased_by="", leased_until=None)

    def _load(self) -> IssuedTokens | None:
        row = self._rows().select_related("integration").first()
        if row is None or not row.ciphertext or not self._uses <= uses_from_json(row.bound_to):
            return None
        try:
            return IssuedTokens.from_text(decrypt_tokens(row, ring=key_ring()).reveal())
        except SecretUnreadableError:
            return None

    def _save(self, tokens: IssuedTokens) -> None:
        # no old tokens are saved after a member has disconnected it, or connected it again
        same = self._rows().filter(integration__connection=self._integration.connection)
        row = same.first()
        if row is None:
            raise AuthenticationFailed(
                "The integration was connected again or disconnected in the meantime."
            )
        bound = uses_from_json(row.bound_to)
        same.update(
            ciphertext=encrypt_tokens(Secret(tokens.to_text()), integration=self._integration),
            # a single command may have requested them: they stay valid for the others
            bound_to=uses_to_json(max(bound, self._uses)),
            changed_at=timezone.now(),
        )

    def _rows(self) -> QuerySet[StoredTokens]:
        return StoredTokens.objects.filter(integration_id=self._integration.id)

    def _end(self) -> ExpressionWrapper[CombinedExpression]:
        return ExpressionWrapper(
            Now() + Value(timedelta(seconds=self._lease)), output_field=DateTimeField()
        )


async def _in_thread(work: Callable[[], _Result]) -> _Result:
    """Do *work* with the database in a thread, and translate its errors."""

    def in_thread() -> _Result:
        try:
            return work()
        except IntegrityError:
            raise AuthenticationFailed("The integration was deleted in the meantime.") from None
        except DatabaseError:
            message = (
                "The tokens can't be saved: the database doesn't respond. Try again in a minute."
            )
            raise AuthenticationFailed(message) from None
        finally:
            connections.close_all()

    return await asyncio.to_thread(in_thread)
