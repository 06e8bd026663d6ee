"""Changes: sign-in tokens that are used up, and the sites that may embed the portal.

Only a keyed digest of a token is stored, and for a year: a token that its service still accepts
after that is one that never ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.crypto import salted_hmac

from billhook.engine.secret import Secret
from billhook.portal.handover.models import Embedding, UsedToken
from billhook.portal.handover.tokens import one_spelling
from billhook.portal.limits.pace import AT_ONCE, Pace
from billhook.portal.organisations.models import Organisation

REMEMBERED: Final = timedelta(days=365)


def take_token(organisation_id: str, token: Secret) -> bool:
    """Note that *token* is used from now on; return False if it has been used before.

    Of several who bring the same token at the same time, on whatever node, one gets True.
    """
    digest = _digest(organisation_id, token)
    try:
        with transaction.atomic():
            UsedToken.objects.create(digest=digest, organisation_id=organisation_id)
    except IntegrityError:
        return False
    return True


def give_back_token(organisation_id: str, token: Secret) -> None:
    """Forget that *token* was taken: nobody was signed in with it."""
    UsedToken.objects.filter(digest=_digest(organisation_id, token)).delete()


def forget_old_tokens(pace: Pace = AT_ONCE, *, now: datetime | None = None) -> None:
    """Delete the digests of tokens that were taken long ago."""
    now = now or timezone.now()
    pace.delete(UsedToken.objects.filter(taken_at__lt=now - REMEMBERED))


def set_parents(*, organisation: Organisation, parents: Sequence[str]) -> None:
    """Let pages of *parents*, checked origins, embed the portal of *organisation*; no others."""
    Embedding.objects.update_or_create(
        organisation=organisation, defaults={"parents": list(parents)}
    )


def _digest(organisation_id: str, token: Secret) -> str:
    text = f"{organisation_id}:{one_spelling(token)}"
    return salted_hmac("billhook.handover", text, algorithm="sha256").hexdigest()
