"""docs/tokens.md and docs/integration-file.md are contracts: they list what the code has."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from tools.write_tables import format_page

from billhook.engine.command.compile import MAX_TIMEOUT, compile_command
from billhook.engine.config import DEFAULT_ACCEPT, DEFAULT_MAX_BYTES, DEFAULT_TIMEOUT, METHODS
from billhook.engine.egress.url import MAX_URL_LENGTH
from billhook.engine.errors import ConfigurationError
from billhook.engine.integration_file.file import MAX_FILE_BYTES, read_integration
from billhook.engine.integration_file.presets import parse_preset
from billhook.engine.tokens.catalogue import COMMANDS, SYSTEM_TOKENS
from billhook.engine.tokens.encoders import SLOTS
from billhook.engine.tokens.functions import FUNCTIONS
from billhook.engine.tokens.values import MAX_VALUE
from parsed import parsed

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/billhook"
TOKENS = (ROOT / "docs/tokens.md").read_text(encoding="utf-8")
FORMAT = (ROOT / "docs/integration-file.md").read_text(encoding="utf-8")

ENGINE = SOURCE / "engine"
MODULES = [
    *ENGINE.glob("command/*.py"),
    *(ENGINE / "answer" / f"{name}.py" for name in ("conditions", "extract")),
    *(ENGINE / "answer" / f"{name}.py" for name in ("path_width", "paths")),
    *(ENGINE / "tokens" / f"{name}.py" for name in ("encoders", "template", "text", "values")),
    *ENGINE.glob("integration_file/*.py"),
    *ENGINE.glob("slots/*.py"),
    *(SOURCE / "cli" / f"{name}.py" for name in ("check", "output", "values")),
]
RAISERS = {"Failure", "Problem", "UnfitValue", "_fail", "_missing", "_note", "fail", "report"}
RAISERS |= {"_complain", "_problem_at", "problem"}
ONE_WORD = {"internal", "interrupted", "usage"}
FROM_THE_URL_GRAMMAR = {"length", "port", "scheme", "url-syntax", "userinfo"}
FROM_THE_GUARD = {"header-denied", "header-name"}
PUT_TOGETHER = {"unknown-secret", "unknown-variable"}


def section(page: str, title: str) -> str:
    found = page.partition(f"\n{title}\n")[2]
    assert found, title
    level = title.split(" ", maxsplit=1)[0]
    return re.split(rf"\n#{{1,{len(level)}}} ", found)[0]


def rows(text: str) -> list[tuple[str, ...]]:
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    cells = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]
    return [row for row in cells if row[0] not in {"token", "slot", "key", "code"}]


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_each_token_of_a_known_command_is_listed(command):
    part = section(TOKENS, f"### {command.name}")
    assert part.strip().startswith(command.meaning)
    assert rows(part) == [
        (f"`{token.name}`", token.kind, token.meaning, f"`{token.example}`")
        for token in command.tokens
    ]


def test_each_token_of_billhook_itself_is_listed():
    assert rows(section(TOKENS, "### Every command")) == [
        (f"`{token.name}`", token.kind, token.meaning, f"`{token.example}`")
        for token in SYSTEM_TOKENS
    ]


def test_each_slot_is_listed_with_its_rule():
    assert rows(section(TOKENS, "## How a value is encoded, by its slot")) == list(SLOTS.items())


def test_each_function_is_listed_with_its_example():
    listed = {row[0].strip("`"): row[1:] for row in rows(section(TOKENS, "## Functions"))}
    listed.pop("function")
    assert listed == {
        info.name: (info.meaning.replace("|", r"\|"), f"`{info.example}`", f"`{info.becomes}`")
        for info in FUNCTIONS
    }


@pytest.mark.parametrize(
    ("number", "page"),
    [
        pytest.param(MAX_URL_LENGTH, TOKENS, id="url"),
        pytest.param(MAX_VALUE, TOKENS, id="value"),
        pytest.param(MAX_FILE_BYTES, FORMAT, id="file"),
        pytest.param(DEFAULT_MAX_BYTES, FORMAT, id="document"),
        pytest.param(int(DEFAULT_TIMEOUT), FORMAT, id="time"),
        pytest.param(int(MAX_TIMEOUT), FORMAT, id="most-time"),
    ],
)
def test_each_limit_is_listed(number, page):
    assert f"{number:,}" in page


@pytest.mark.parametrize("page", [TOKENS, FORMAT], ids=["tokens", "integration-file"])
def test_the_example_file_compiles(page):
    shown = page.partition("```toml\n")[2].partition("```")[0]
    if "format = 1" not in shown:
        head = 'format = 1\n[integration]\nname = "x"\n[commands.GetInvoiceImage]\n'
        shown = head + shown
    integration = read_integration(shown)
    for command in integration.commands:
        compiled = compile_command(
            command, variables=integration.variables, secrets=integration.secrets
        )
        assert not compiled.notes


def known_keys(source: str) -> list[str]:
    """Return the keys that the reader names when it meets one that is like no other."""
    with pytest.raises(ConfigurationError) as refused:
        read_integration(source)
    messages = [p.message for p in refused.value.problems if p.code == "unknown-key"]
    return messages[0].partition("Known here: ")[2].rstrip(".").split(", ")


@pytest.mark.parametrize(
    ("title", "source"),
    [
        pytest.param("## At the top", "zzzzz = 1", id="top"),
        pytest.param("## `[integration]`", "[integration]\nzzzzz = 1", id="integration"),
        pytest.param("## `[commands.NAME]`", "[commands.A]\nzzzzz = 1", id="command"),
        pytest.param("## `[[commands.NAME.steps]]`", "[[commands.A.steps]]\nzzzzz = 1", id="step"),
    ],
)
def test_each_key_is_listed(title, source):
    documented = {row[0].strip("`") for row in rows(section(FORMAT, title))}
    known = set(known_keys(source))
    if title == "## `[commands.NAME]`":
        step = {row[0].strip("`") for row in rows(section(FORMAT, "## `[[commands.NAME.steps]]`"))}
        assert documented | step - {"name"} == known | {"steps"}
    else:
        assert documented == known


def test_the_tables_of_keys_match_the_descriptions_of_the_fields():
    assert format_page(FORMAT) == FORMAT


@pytest.mark.parametrize(
    ("title", "source"),
    [
        pytest.param("## `[preset]`", "[preset]\nzzzzz = 1", id="preset"),
        pytest.param("## `[[preset.fields]]`", "[[preset.fields]]\nzzzzz = 1", id="field"),
    ],
)
def test_each_key_of_a_preset_is_listed(title, source):
    with pytest.raises(ConfigurationError) as refused:
        parse_preset("x", f'format = 1\n[integration]\nname = "x"\n{source}')
    (message,) = (p.message for p in refused.value.problems if p.code == "unknown-key")
    known = message.partition("Known here: ")[2].rstrip(".").split(", ")
    assert {row[0].strip("`") for row in rows(section(FORMAT, title))} == set(known)


def test_the_methods_and_defaults_are_listed():
    step = section(FORMAT, "## `[[commands.NAME.steps]]`")
    assert all(f"`{method}`" in step for method in METHODS)
    part = section(FORMAT, "## `[commands.NAME]`")
    assert all(f'"{media_type}"' in part for media_type in DEFAULT_ACCEPT)


def test_each_code_of_a_problem_is_listed():
    documented = [row[0].strip("`") for row in rows(section(FORMAT, "## Problems, by code"))]
    assert len(documented) == len(set(documented))
    raised = set().union(*(codes_of(module) for module in MODULES))
    others = FROM_THE_URL_GRAMMAR | FROM_THE_GUARD | PUT_TOGETHER
    assert set(documented) == raised | others


def codes_of(module: Path) -> set[str]:
    """Return the codes that *module* gives to problems and failures, as its text has them."""
    calls = [
        node
        for node in ast.walk(parsed(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and called(node) in RAISERS
    ]
    arguments = [
        argument
        for call in calls
        for argument in [*call.args, *(k.value for k in call.keywords if k.arg == "code")]
    ]
    texts = {
        node.value
        for argument in arguments
        for node in ast.walk(argument)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in texts if re.fullmatch(r"[a-z]+(-[a-z0-9]+)+", text)} | texts & ONE_WORD


def called(call: ast.Call) -> str:
    function = call.func
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
