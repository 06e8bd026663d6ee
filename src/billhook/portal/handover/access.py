"""The only way to the rows of embedding: each function says who is asking."""

from __future__ import annotations

from billhook.portal.handover.models import Embedding


def parents_of(organisation_id: str) -> tuple[str, ...]:
    """Return the origins whose pages may embed the organisation's portal, for everybody."""
    found = Embedding.objects.filter(organisation_id=organisation_id).first()
    return tuple(found.parents) if found else ()
