"""The first start: somebody who can read the terminal creates the first organisation, once."""

from __future__ import annotations

import base64
import hmac
from typing import Final

from django.db import connection, transaction
from django.utils.crypto import salted_hmac

from billhook.portal.accounts.services import set_password
from billhook.portal.installation.data_folder import data_path, replace_file
from billhook.portal.organisations import access, services
from billhook.portal.organisations.models import Member

_FILE: Final = "setup.code"
_LENGTH: Final = 12
_LOCK: Final = 0x5E7  # for PostgreSQL; SQLite has one writer anyway


class AlreadySetUp(Exception):
    """There is an organisation."""


def setup_code() -> str | None:
    """Return the code that opens the set-up page, or None once there is an organisation.

    All processes of all nodes, and later starts, give the same code, since it is derived from the
    signing key. The server prints it when it starts, and the data folder has a file with it.
    """
    if access.is_set_up():
        forget_setup_code()
        return None
    digest = salted_hmac("billhook.setup-code", "", algorithm="sha256").digest()
    code = base64.b32encode(digest).decode("ascii").lower()[:_LENGTH]
    path = data_path(_FILE)
    if not path.exists() or path.read_text(encoding="ascii").strip() != code:
        replace_file(_FILE, code + "\n")
    return code


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
        _be_alone()
        owner = services.create_organisation(name=organisation_name, owner_email=email)
        set_password(user=owner.user, password=password)
    forget_setup_code()
    return owner


def forget_setup_code() -> None:
    """Remove the code's file: there is an organisation."""
    data_path(_FILE).unlink(missing_ok=True)


def _be_alone() -> None:
    """Let one set-up at a time begin, of whatever node, and only the first one."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    if access.is_set_up():
        raise AlreadySetUp
