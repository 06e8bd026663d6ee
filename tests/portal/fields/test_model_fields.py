"""Values stored as JSON are read back unchanged, on both databases."""

from __future__ import annotations

import pytest

from billhook.portal.integrations.models import Integration
from portal.cast import Cast

pytestmark = pytest.mark.django_db


def test_typed_rows_keep_their_order(cast: Cast) -> None:
    variables = {name: name for name in ("Zebra", "A", "Middle", "B")}
    made = Integration.objects.create(
        organisation=cast.harper,
        name="In order",
        variables=variables,
        commands=[{"derive": {"Second": "{{A}}", "First": "ü"}}],
    )
    stored = Integration.objects.get(pk=made.pk)
    assert list(stored.variables) == list(variables)
    assert list(stored.commands[0]["derive"]) == ["Second", "First"]
    assert stored.commands == made.commands
    assert stored.authentication is None
