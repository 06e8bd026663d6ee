"""The link by which an organisation's own site sends its people here."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from billhook.portal.organisations.models import Organisation


def sign_in_link(organisation: Organisation) -> str:
    """Return the link, with the place of the token in it."""
    return f"{settings.PUBLIC_URL}{reverse('handover-to', args=[organisation.id])}?authToken=TOKEN"
