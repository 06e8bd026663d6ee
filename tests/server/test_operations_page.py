"""docs/operations.md is a contract: what it doesn't tell makes this red."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from billhook.gateway.metrics import GatewayMetrics
from billhook.portal.installation.environment import SETTINGS
from billhook.server.health import PATHS

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()


def test_every_metric_is_in_the_table_with_its_kind():
    registry = CollectorRegistry()
    GatewayMetrics(registry)
    kinds = {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for family in registry.collect()
    }

    told = dict(re.findall(r"^\| `(billhook_\w+)` \| (\w+) \|", PAGE, re.MULTILINE))

    assert told == kinds


@pytest.mark.parametrize("path", PATHS)
def test_every_health_path_is_in_the_table(path):
    assert re.search(rf"^\| `{path}` \|", PAGE, re.MULTILINE)


def test_every_setting_that_it_names_exists():
    named = set(re.findall(r"BILLHOOK_[A-Z_]+", PAGE))

    assert named <= {setting.name for setting in SETTINGS}
