"""The only way to the rows of integrations and API keys: each function says who is asking."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from django.db.models import QuerySet, Value
from django.db.models.functions import StrIndex
from django.http import Http404

from billhook.portal.integrations.models import ApiKey, Integration, StoredTokens
from billhook.portal.organisations.models import Member, Organisation
from billhook.portal.paging.order import Order, beyond

IN_ORDER: Final = Order(name="order", fields=("position", "created_at", "id"))


def integrations_for_member(member: Member) -> QuerySet[Integration]:
    """Return the integrations of the organisation that *member* is of, in its order."""
    return Integration.objects.filter(organisation_id=member.organisation_id)


def has_integrations(member: Member) -> bool:
    """Return whether the organisation that *member* is of has an integration."""
    return integrations_for_member(member).exists()


def number_in_order(integration: Integration) -> int:
    """Return the number of an integration of the caller's in its organisation's order, from 1."""
    values = [getattr(integration, name) for name in IN_ORDER.fields]
    before = beyond(Integration, IN_ORDER.fields, values, is_ascending=False)
    rows = Integration.objects.filter(organisation_id=integration.organisation_id)
    return rows.order_by().filter(before).count() + 1


def integrations_asking(member: Member, address: str) -> QuerySet[Integration]:
    """Return the integrations of *member*'s organisation in whose commands *address* is written."""
    rows = integrations_for_member(member).annotate(at=StrIndex("commands", Value(address)))
    return rows.filter(at__gt=0)


def integrations_to_look_at(
    member: Member, failing: Collection[str], *, most: int
) -> QuerySet[Integration]:
    """Return the enabled integrations of *member*'s organisation that may have something wrong.

    These are the *failing* ones; all, if the organisation has no more than *most*.
    """
    rows = integrations_for_member(member).filter(enabled=True)
    if rows.order_by()[: most + 1].count() > most:
        rows = rows.filter(id__in=failing)
    return rows


def integrations_with_tls(member: Member) -> QuerySet[Integration]:
    """Return the enabled integrations of *member*'s organisation with TLS settings, and secrets."""
    rows = integrations_for_member(member).filter(enabled=True, tls__isnull=False)
    return rows.prefetch_related("stored_secrets")


def integrations_named(member: Member, search: str) -> QuerySet[Integration]:
    """Return the integrations of *member*'s organisation whose name contains *search*."""
    return integrations_for_member(member).filter(name__icontains=search)


def id_of_integration(member: Member, id_or_name: str) -> str | None:
    """Return the id of the integration of *member*'s organisation with this id, or this name."""
    ours = integrations_for_member(member).order_by().values_list("id", flat=True)
    return ours.filter(id=id_or_name).first() or ours.filter(name=id_or_name).first()


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


def integration_behind(member: Member, integration_id: str | None) -> Integration | None:
    """Return the integration that a row comes from, if there is one and it still exists."""
    return integrations_for_member(member).filter(id=integration_id).first()


def enabled_integration(integration_id: str) -> Integration | None:
    """Return an integration that is on: for mail about it that the server itself sends."""
    rows = Integration.objects.filter(id=integration_id, enabled=True)
    return rows.select_related("organisation").first()


def tokens_of(integration: Integration) -> StoredTokens | None:
    """Return the tokens of an integration that the caller has from here, if it has any."""
    rows = StoredTokens.objects.filter(integration_id=integration.id)
    return rows.select_related("connected_by").first()


NEWEST_KEYS: Final = Order(name="newest", fields=("created_at", "id"), is_descending=True)


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


def organisations_with_command(command: str, ids: Collection[str]) -> frozenset[str]:
    """Return those of the organisations *ids* with an enabled integration that has *command*.

    For the server itself, which knows that the caller may see something of each. The command is
    looked for as a text, so it may be a step of that name.
    """
    rows = Integration.objects.filter(enabled=True, organisation_id__in=ids)
    having = rows.annotate(at=StrIndex("commands", Value(f'"{command}"'))).filter(at__gt=0)
    return frozenset(having.order_by().values_list("organisation_id", flat=True))


def enabled_with_command(command: str, organisation_id: str) -> list[Integration]:
    """Return the organisation's enabled integrations that have *command*, in its order.

    For the server itself, which knows that the caller may see something of it.
    """
    rows = Integration.objects.filter(enabled=True, organisation_id=organisation_id)
    near = rows.annotate(at=StrIndex("commands", Value(f'"{command}"'))).filter(at__gt=0)
    found = near.only("id", "organisation_id", "commands").order_by(*IN_ORDER.fields)
    return [row for row in found if command in command_names(row)]


def command_names(integration: Integration) -> frozenset[str]:
    """Return the names of the commands of an integration that the caller has from here."""
    return frozenset(command["name"] for command in integration.commands)


def declared_tokens(integration: Integration, command: str) -> frozenset[str]:
    """Return the tokens that *command* declares in addition to those of the catalogue."""
    found = (each for each in integration.commands if each["name"] == command)
    return frozenset(name for each in found for name in each.get("tokens", ()))


def organisation_with_command(command: str, organisation_id: str) -> Organisation:
    """Return the organisation, if an enabled integration of its has *command*; else raise Http404.

    Without an *organisation_id*, it is the only one that has such an integration.

    For the server itself. The command is looked for as a text, so it may be a step of that name.
    """
    rows = Integration.objects.filter(enabled=True).annotate(
        at=StrIndex("commands", Value(f'"{command}"'))
    )
    if organisation_id:
        rows = rows.filter(organisation_id=organisation_id)
    having = rows.filter(at__gt=0).values("organisation_id")
    found = list(Organisation.objects.filter(id__in=having)[:2])
    if len(found) != 1:
        raise Http404
    return found[0]
