"""docs/egress.md is a contract: its tables are those of the code."""

import re
from pathlib import Path

import pytest

from billhook.engine.egress import tables as guard_tables
from billhook.engine.errors import EgressDenied, SourceRedirected, denied
from billhook.engine.verdict import Verdict

PAGE = (Path(__file__).parents[2] / "docs/egress.md").read_text()


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def spans(text: str) -> list[str]:
    return re.findall(r"`([^`]+)`", text)


def test_each_reason_is_listed_with_its_sentence() -> None:
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \|$", section("The reasons"), re.MULTILINE)
    assert rows == [(each.reason, each.message) for each in Verdict if not each.allowed]


def test_each_denied_network_is_listed_with_its_name() -> None:
    rows = re.findall(
        r"^\| `([^`]+)` \| (.+) \|$", section("The networks that are denied"), re.MULTILINE
    )
    assert [
        (network, name.upper().replace(" ", "_").replace("-", "_")) for network, name in rows
    ] == [
        (network, verdict.name.removeprefix("DENIED_"))
        for network, verdict in (*guard_tables.IPV4_DENIED, *guard_tables.IPV6_DENIED)
    ]


def test_each_metadata_address_is_listed() -> None:
    networks = spans(section("The networks that are denied").rpartition("metadata services:")[2])
    assert networks == sorted(network for network, _ in guard_tables.IPV4_METADATA)


def test_each_denied_name_is_listed() -> None:
    suffixes, _, hosts = section("The names that are denied").partition("metadata services")
    assert spans(suffixes) == sorted(guard_tables.DENIED_SUFFIXES)
    assert spans(hosts) == sorted(guard_tables.METADATA_HOSTS)


def test_each_denied_header_is_listed() -> None:
    whole, _, prefixes = section("The headers that can't be configured").partition("begin with")
    assert spans(whole) == sorted(guard_tables.DENIED_HEADERS)
    assert spans(prefixes) == sorted(guard_tables.DENIED_HEADER_PREFIXES)


@pytest.mark.parametrize("verdict", [each for each in Verdict if not each.allowed], ids=repr)
def test_the_page_gives_the_code_of_each_reason(verdict: Verdict) -> None:
    codes = spans(section("The reasons").partition("| reason |")[0])
    assert codes[0] == EgressDenied.code
    assert codes[1] == SourceRedirected.code
    assert denied(verdict).code == codes[1 if verdict.reason in codes[2:] else 0]
