"""The first start: somebody who can read the terminal creates the first organisation, once."""

from __future__ import annotations

import hmac

from django.db import transaction

from billhook.portal.accounts.services import set_password
from billhook.portal.fields.ids import new_id
from billhook.portal.installation.data_folder import data_path, read_or_make
from billhook.portal.organisations import access, services
from billhook.portal.organisations.models import Member

_FILE = "setup.code"


class AlreadySetUp(Exception):
    """There is an organisation."""


def setup_code() -> str | None:
    """Return the code that opens the set-up page, or None once there is an organisation.

    All processes, and later starts, give the same code. The server prints it when it starts.
    """
    return None if access.is_set_up() else read_or_make(_FILE, new_id)


def is_setup_code(text: str) -> bool:
    """Return whether *text* is the code on the terminal."""
    code = setup_code()
    return code is not None and hmac.compare_digest(code.encode(), text.strip().lower().encode())


def set_up(*, organisation_name: str, email: str, password: str) -> Member:
    """Create the first organisation and its owner; after that, the code opens nothing.

    Raises:
        AlreadySetUp: if somebody else did it at the same time; nothing is created then.
    """
    with transaction.atomic():
        owner = services.create_organisation(name=organisation_name, owner_email=email)
        set_password(user=owner.user, password=password)
        _use_up_code()
    return owner


def forget_setup_code() -> None:
    """Remove the code's file: the operator has made an organisation without the page."""
    data_path(_FILE).unlink(missing_ok=True)


def _use_up_code() -> None:
    """Remove the code's file: of several processes, one alone can."""
    try:
        data_path(_FILE).unlink()
    except FileNotFoundError:
        raise AlreadySetUp from None
