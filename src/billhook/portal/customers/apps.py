"""The app of customers: keeps its search index after every migration."""

from __future__ import annotations

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from billhook.portal.customers.search_index import make_search_index


class CustomersConfig(AppConfig):
    """The app of customers."""

    name = "billhook.portal.customers"

    def ready(self) -> None:
        """Look at the index after every migration."""
        post_migrate.connect(make_search_index, sender=self)
