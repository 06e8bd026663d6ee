"""docs/authentication.md is a contract: its tables match the code, and its examples compile."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from tools.write_tables import page

from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.oauth2_client import LIMITS
from billhook.engine.authentication.registry import SCHEMES
from billhook.engine.field import KINDS, FieldInfo
from billhook.engine.http import breaker, retries
from billhook.engine.integration_file.authentication import read_authentication
from billhook.engine.integration_file.tables import Table

PAGE = (Path(__file__).parents[2] / "docs/authentication.md").read_text(encoding="utf-8")
VARIABLES = {"Tenant": "contoso", "User": "ann"}


def section(name: str) -> str:
    return PAGE.partition(f"\n### `{name}`\n")[2].partition("\n##")[0]


def rows(text: str) -> list[list[str]]:
    found = re.findall(r"^\| (.+) \|$", text, re.MULTILINE)
    return [row.split(" | ") for row in found]


def documented(field: FieldInfo) -> list[str]:
    kind = " · ".join(f"`{choice}`" for choice in field.choices) or field.kind
    default = {"": "(empty)", True: "`true`", False: "`false`"}.get(
        field.default, f"`{field.default}`"
    )
    return [
        f"`{field.key}`",
        kind,
        "required" if field.required else default,
        field.label,
        field.help,
    ]


def test_the_page_lists_the_schemes_in_the_order_of_the_form():
    assert tuple(re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)) == tuple(SCHEMES)


@pytest.mark.parametrize("info", SCHEMES.values(), ids=SCHEMES)
def test_each_scheme_is_listed_with_its_fields_and_parts(info):
    text = section(info.name)
    assert f"\n{info.title}. {info.help}\n" in text
    header, *fields = rows(text)
    assert header == ["field", "kind", "default", "label", "help"]
    assert fields == [documented(field) for field in info.fields]
    parts = re.search(r"^In addition: (.+)\.$", text, re.MULTILINE)
    assert re.findall("`(.+?)`", parts[1] if parts else "") == list(info.parts)


def test_each_kind_of_field_is_listed():
    table = PAGE.partition("## The schemes")[2].partition("###")[0]
    expected = [[name, text] for name, text in KINDS.items() if name != "choice"]
    assert rows(table)[1:] == expected


def test_the_tables_match_the_output_of_the_tool():
    assert page(PAGE) == PAGE


EXAMPLES = [
    pytest.param(name, example, id=f"{name}-{number}")
    for name in SCHEMES
    for number, example in enumerate(re.findall(r"```toml\n(.+?)```", section(name), re.DOTALL), 1)
]


def test_each_scheme_has_an_example():
    assert {each.values[0] for each in EXAMPLES} == set(SCHEMES)


@pytest.mark.parametrize(("name", "example"), EXAMPLES)
def test_each_example_compiles(name, example):
    problems: list[object] = []
    typed = tomllib.loads(example)["authentication"]
    config = read_authentication(Table(typed, "authentication", problems))  # type: ignore[arg-type]
    assert problems == []
    secrets = {
        token
        for token in re.findall(r"\{\{(\w+)\}\}", example)
        if token not in VARIABLES and token != "Timestamp"
    }
    plan = compile_authentication(config, variables=VARIABLES, secrets=secrets)
    assert plan.scheme.name == name
    assert plan.secrets == secrets
    assert plan.notes == ()


def test_the_numbers_match_the_code():
    assert (LIMITS.timeout, retries.LONGEST_ASKED) == (30.0, 20.0)
    assert (breaker.FAILURES, breaker.FIRST_PAUSE, breaker.LONGEST_PAUSE) == (5, 10.0, 300.0)
    statuses = PAGE.partition("after trouble with the connection and after ")[2].partition(". ")[0]
    assert {int(status) for status in re.findall(r"\d+", statuses)} == retries.STUMBLES
