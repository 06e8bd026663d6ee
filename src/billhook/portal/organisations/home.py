"""The first page of a person after signing in."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from billhook.portal.organisations import access as organisations


def home_of(user: Any) -> str:
    """Return the backoffice's address for a member, and that of the invoices for everybody else."""
    member = organisations.memberships_of(user).first()
    return backoffice_of(member.organisation_id) if member else reverse("home")


def backoffice_of(organisation_id: str) -> str:
    """Return the address of an organisation's backoffice."""
    return reverse("backoffice:home", args=[organisation_id])
