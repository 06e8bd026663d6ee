"""The only way to the rows of integrations and API keys: each function says who is asking."""

from __future__ import annotations

from django.db.models import QuerySet
from django.http import Http404

from billhook.portal.integrations.models import ApiKey, Integration, StoredTokens
from billhook.portal.organisations.models import Member


def integrations_for_member(member: Member) -> QuerySet[Integration]:
    """Return the integrations of the organisation that *member* is of, in its order."""
    return Integration.objects.filter(organisation_id=member.organisation_id)


def has_integrations(member: Member) -> bool:
    """Return whether the organisation that *member* is of has an integration."""
    return integrations_for_member(member).exists()


def first_enabled(member: Member) -> Integration | None:
    """Return the first integration that is on, in the order of the member's organisation."""
    return integrations_for_member(member).filter(enabled=True).first()


def integration_names(member: Member) -> frozenset[str]:
    """Return the names of the integrations of the organisation that *member* is of."""
    return frozenset(integrations_for_member(member).values_list("name", flat=True))


def integration_for_member(member: Member, integration_id: str) -> Integration:
    """Return an integration of the organisation that *member* is of, or raise Http404."""
    found = integrations_for_member(member).filter(id=integration_id).first()
    if found is None:
        raise Http404
    return found


def tokens_of(integration: Integration) -> StoredTokens | None:
    """Return the tokens of an integration that the caller has from here, if it has any."""
    rows = StoredTokens.objects.filter(integration_id=integration.id)
    return rows.select_related("connected_by").first()


def api_keys_for_member(member: Member) -> QuerySet[ApiKey]:
    """Return all API keys of the organisation that *member* is of, newest first."""
    keys = ApiKey.objects.filter(organisation_id=member.organisation_id)
    return keys.select_related("created_by")


def api_key_for_member(member: Member, key_id: str) -> ApiKey:
    """Return an API key of the organisation that *member* is of, or raise Http404."""
    found = api_keys_for_member(member).filter(id=key_id).first()
    if found is None:
        raise Http404
    return found
