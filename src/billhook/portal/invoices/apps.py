"""The app of invoices: keeps its sums after every migration."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InvoicesConfig(AppConfig):
    """The app of invoices."""

    name = "billhook.portal.invoices"

    def ready(self) -> None:
        """Look at the sums after every migration."""
        from billhook.portal.invoices.kept_sums import make_kept_sums  # models are loaded now

        post_migrate.connect(make_kept_sums, sender=self)
