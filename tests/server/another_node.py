"""A node of the same installation that changes who may do what: a process of its own.

It takes the name of a change and its subject per line, makes it, and says what it did.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import Any, Final

from billhook.server.django_setup import set_up_django

set_up_django()

from django.conf import settings  # noqa: E402
from django.test import Client  # noqa: E402

from billhook.portal.accounts import services as accounts  # noqa: E402
from billhook.portal.accounts.models import User  # noqa: E402
from billhook.portal.customers import services as customers  # noqa: E402
from billhook.portal.customers.models import Contact, Customer  # noqa: E402
from billhook.portal.invoices.models import Invoice, Status  # noqa: E402
from billhook.portal.organisations import services as organisations  # noqa: E402
from billhook.portal.organisations.models import Member, Role  # noqa: E402


def new_contact(email: str) -> dict[str, str]:
    """Make a contact of the only customer; return their id and the cookie of a session."""
    contact = customers.invite_contact(customer=Customer.objects.get(), email=email, name="Carla")
    return {"contact": contact.id, "cookie": _cookie(contact.user)}


def new_editor(email: str) -> dict[str, str]:
    """Make an editor; return the cookie of a session."""
    organisation = Customer.objects.get().organisation
    member = organisations.add_member(organisation=organisation, email=email, role=Role.EDITOR)
    return {"cookie": _cookie(member.user)}


def _cookie(user: User) -> str:
    browser = Client()
    browser.force_login(user)
    name = settings.SESSION_COOKIE_NAME
    return f"{name}={browser.cookies[name].value}"


def set_status(status: Status) -> None:
    Invoice.objects.update(status=status)


CHANGES: Final[dict[str, Callable[[str], Any]]] = {
    "new contact": new_contact,
    "new editor": new_editor,
    "sign out": lambda email: accounts.end_sessions(user=accounts.user_of_email(email)),
    "set password": lambda email: accounts.set_password(
        user=accounts.user_of_email(email), password="correct horse battery"
    ),
    "disable": lambda email: accounts.disable_user(user=accounts.user_of_email(email)),
    "remove contact": lambda email: customers.remove_contact(
        contact=Contact.objects.get(user__email=email)
    ),
    "make viewer": lambda email: organisations.change_role(
        member=Member.objects.get(user__email=email), role=Role.VIEWER
    ),
    "remove member": lambda email: organisations.remove_member(
        member=Member.objects.get(user__email=email)
    ),
    "withdraw invoice": lambda _: set_status(Status.DRAFT),
    "issue invoice": lambda _: set_status(Status.OPEN),
}


if __name__ == "__main__":
    for line in sys.stdin:
        change, subject = json.loads(line)
        sys.stdout.write(json.dumps(CHANGES[change](subject), default=str) + "\n")
        sys.stdout.flush()
