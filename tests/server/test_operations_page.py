"""docs/operations.md is a contract: what it doesn't tell makes this red."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from billhook.gateway.metrics import GatewayMetrics
from billhook.portal.installation.environment import SETTINGS
from billhook.portal.jobs.metrics import JobMetrics
from billhook.server.health import PATHS
from billhook.server.jobs.registry import NODE_INFO

TESTS = Path(__file__).parents[1]
PAGE = (TESTS.parent / "docs" / "operations.md").read_text()


def test_every_metric_is_in_the_table_with_its_kind():
    registry = CollectorRegistry()
    GatewayMetrics(registry)
    JobMetrics(registry)
    kinds = {
        family.name + ("_total" if family.type == "counter" else ""): family.type
        for family in registry.collect()
    }

    kinds |= {family.name: family.type for family in NODE_INFO.collect()}
    told = dict(re.findall(r"^\| `(billhook_\w+)` \| (\w+) \|", PAGE, re.MULTILINE))

    assert told == kinds


@pytest.mark.parametrize("path", PATHS)
def test_every_health_path_is_in_the_table(path):
    assert re.search(rf"^\| `{path}` \|", PAGE, re.MULTILINE)


def test_every_setting_that_it_names_exists():
    named = set(re.findall(r"BILLHOOK_[A-Z_]+", PAGE))

    assert named <= {setting.name for setting in SETTINGS}


def test_every_failure_names_the_tests_that_show_it():
    rows = (
        re.search(r"^\| what fails .*?\n\n", PAGE, re.MULTILINE | re.DOTALL)[0]
        .strip()
        .splitlines()[2:]
    )
    tests = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}

    assert len(rows) > 10
    for row in rows:
        named = re.findall(r"`([\w/]+/test_\w+\.py)`", row.rstrip("| ").rpartition("|")[2])
        assert named, row
        for name in named:
            assert any(test == name or test.endswith(f"/{name}") for test in tests), name
