"""Sets Django up: before this, nothing of the portal but its settings' table can be imported."""

from __future__ import annotations

import os
from typing import Final

import django

from billhook.portal.installation import environment

OWNER_ONLY: Final = 0o077
"""The umask of every process that opens the data folder: others get no rights to new files."""


def set_up_django() -> None:
    """Set Django up in this process; a second time changes nothing."""
    os.umask(OWNER_ONLY)
    environment.name_django_settings()
    django.setup()
