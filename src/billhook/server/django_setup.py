"""Sets Django up: before this, nothing of the portal but its settings' table can be imported."""

from __future__ import annotations

import django

from billhook.portal.installation import environment


def set_up_django() -> None:
    """Set Django up in this process; a second time changes nothing."""
    environment.name_django_settings()
    django.setup()
