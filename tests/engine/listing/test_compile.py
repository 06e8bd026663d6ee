"""A list command compiled: every problem with its place, the examples, and what people listed."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from pathlib import Path

import pytest

from billhook.engine.errors import ConfigurationError
from billhook.engine.integration import CompiledIntegration, compile_integration, try_to_compile
from billhook.engine.integration_file.file import (
    command_from_json,
    command_to_json,
    examine_integration,
    read_integration,
    write_integration,
)
from billhook.engine.list_config import LIST_COMMANDS
from billhook.engine.listing.listing import LIST_ORDER
from billhook.engine.listing.nudge import Nudge
from billhook.engine.secret import Secret

EXAMPLES = Path(__file__).parent / "examples"
FILES = sorted(EXAMPLES.glob("*.toml"))
MAP = 'map = { id = "$.id", number = "$.n", customer = "$.c", amount = "$.a" }'


def file_of(keys: str, *, name: str = "ListInvoices", url: str = "https://a.example/list") -> str:
    return f"""
format = 1
[integration]
name = "X"
variables = {{ Zone = "UTC" }}
secrets = ["Key"]
[commands.{name}]
url = "{url}"
{keys}
"""


def compiled(keys: str, **more: str) -> CompiledIntegration:
    return compile_integration(read_integration(file_of(keys, **more)))


def problems_of(keys: str, **more: str) -> dict[str, str]:
    with pytest.raises(ConfigurationError) as caught:
        compiled(keys, **more)
    name = more.get("name", "ListInvoices")
    return {
        each.where.removeprefix(f"commands.{name}."): each.code for each in caught.value.problems
    }


ROWS = 'rows = "$[*]"\n' + MAP


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_example_compiles_and_survives_writing(path):
    text = path.read_text(encoding="utf-8")
    config, problems = examine_integration(text)
    assert problems == ()
    assert try_to_compile(config).problems == ()
    assert read_integration(write_integration(config)) == config
    for command in config.commands:
        assert command_from_json(command_to_json(command)) == command


def test_the_lists_are_in_the_order_of_a_sync():
    assert LIST_ORDER == LIST_COMMANDS
    other = '[commands.ListCustomers]\nurl = "https://a.example/c"\nrows = "$[*]"\n'
    other += 'map = { id = "$.id", name = "$.n" }'
    integration = compiled(f"{ROWS}\n{other}")
    assert list(integration.lists) == ["ListCustomers", "ListInvoices"]
    assert integration.commands == {}
    assert {str(origin) for origin in integration.origins} == {"https://a.example"}


@pytest.mark.parametrize(
    ("keys", "where", "code"),
    [
        pytest.param(MAP, "rows", "missing-key", id="no-rows"),
        pytest.param('rows = "$[*]"', "map", "missing-key", id="no-map"),
        pytest.param(f"{ROWS}\npage = 1", "page", "unknown-key", id="unknown"),
        pytest.param(
            f'{ROWS}\npages = {{ kind = "pages" }}', "pages.kind", "unknown-choice", id="kind"
        ),
        pytest.param(
            f'{ROWS}\npages = {{ kind = "number" }}', "pages.param", "missing-key", id="param"
        ),
        pytest.param(
            f'{ROWS}\npages = {{ kind = "token", param = "p" }}',
            "pages.next",
            "missing-key",
            id="next",
        ),
        pytest.param(
            f'{ROWS}\npages = {{ kind = "link", param = "p" }}',
            "pages.param",
            "misplaced-key",
            id="link-param",
        ),
        pytest.param(
            f'{ROWS}\npages = {{ kind = "number", param = "p", size = 0 }}',
            "pages.size",
            "invalid-value",
            id="size",
        ),
        pytest.param(
            f'{ROWS}\nmethod = "POST"\nheaders = [["Content-Type", "application/json"]]\n'
            f'body = "{"[" * 100_000}"\n'
            'pages = { kind = "number", param = "$.p", in = "json" }',
            "pages.param",
            "misplaced-key",
            id="deep-body",
        ),
        pytest.param(
            f'{ROWS}\nchanges = {{ kind = "changed" }}', "changes.param", "missing-key", id="since"
        ),
        pytest.param(
            f'{ROWS}\nchanges = {{ kind = "changed", param = "s", format = "yyyy-MM-dd" }}',
            "changes",
            "missing-zone",
            id="zone",
        ),
        pytest.param(
            f'{ROWS}\nchanges = {{ kind = "changed", param = "s", slice = "31 days" }}',
            "changes.slice",
            "missing-key",
            id="slice",
        ),
        pytest.param(
            f'{ROWS}\nchanges = {{ kind = "changed", param = "s", overlap = "soon" }}',
            "changes.overlap",
            "invalid-value",
            id="overlap",
        ),
        pytest.param(
            f'{ROWS}\nchanges = {{ param = "s" }}', "changes.param", "misplaced-key", id="no-kind"
        ),
        pytest.param(
            f'{ROWS}\nfull_run_every = "often"', "full_run_every", "invalid-value", id="full"
        ),
        pytest.param(
            f'{ROWS}\nlimits = {{ rate = "fast" }}', "limits.rate", "invalid-value", id="rate"
        ),
        pytest.param(
            f'{ROWS}\nsafeguard = {{ hidden = "120%" }}',
            "safeguard.hidden",
            "invalid-value",
            id="percent",
        ),
        pytest.param(
            f'{ROWS}\nconditional = true\npages = {{ kind = "link" }}',
            "conditional",
            "misplaced-key",
            id="conditional",
        ),
        pytest.param(f'{ROWS}\nfor_each = "customer"', "for_each", "misplaced-key", id="for-each"),
        pytest.param(
            f'{ROWS}\nnudge = {{ header = "x", hmac = "secret" }}',
            "nudge.hmac",
            "not-a-secret",
            id="nudge",
        ),
        pytest.param(
            f'{ROWS}\nextract = {{ A = "$.a" }}', "extract", "misplaced-key", id="extract"
        ),
        pytest.param(f"{ROWS}\naccept = []", "accept", "unknown-key", id="accept"),
        pytest.param(
            f'{ROWS}\npasses = [{{ name = "Open" }}]', "passes[0].every", "missing-key", id="pass"
        ),
        pytest.param(
            f'{ROWS}\npasses = [{{ name = "A", full_run = true, url = "ftp://x" }}]',
            "passes[0].url",
            "scheme",
            id="pass-url",
        ),
        pytest.param(
            f'{MAP}\nrows = {{ json = "$[*]", include_when = [{{ status = [200] }}] }}',
            "rows.include_when[0]",
            "condition-subject",
            id="row-condition",
        ),
        pytest.param(
            f'{MAP}\nrows = {{ json = "$[*]", csv = {{}} }}', "rows", "missing-key", id="two-places"
        ),
    ],
)
def test_each_problem_is_reported_with_its_place(keys, where, code):
    if code == "unknown-key":
        with pytest.raises(ConfigurationError) as caught:
            read_integration(file_of(keys))
        found = {
            each.where.removeprefix("commands.ListInvoices."): each.code
            for each in caught.value.problems
        }
    else:
        found = problems_of(keys)
    assert found.get(where) == code, found


def test_all_problems_come_at_once_even_if_the_url_is_broken():
    keys = f'{ROWS}\nlimits = {{ rate = "x" }}\npages = {{ kind = "number" }}'
    found = problems_of(keys, url="http://[")
    assert {"limits.rate", "pages.param"} < found.keys()
    assert any(where == "url" for where in found)


def test_a_key_of_lists_in_another_command_is_named():
    with pytest.raises(ConfigurationError) as caught:
        read_integration(file_of('rows = "$[*]"', name="GetStatement"))
    assert [each.code for each in caught.value.problems] == ["misplaced-key"]
    assert "ListInvoices" in caught.value.problems[0].message


def test_page_tokens_are_known_only_in_the_paged_step():
    keys = """
rows = "$[*]"
map = { id = "$.id", number = "$.n", customer = "$.c", amount = "$.a" }
pages = { kind = "offset" }
steps = [
    { name = "First", url = "https://a.example/{{Offset}}" },
    { name = "List", url = "https://a.example/{{Offset}}" },
]
"""
    text = file_of(keys).replace('url = "https://a.example/list"\n', "")
    with pytest.raises(ConfigurationError) as caught:
        compile_integration(read_integration(text))
    assert [(each.where, each.code) for each in caught.value.problems] == [
        ("commands.ListInvoices.steps[0].url", "forbidden-position")
    ]


def test_a_change_to_map_url_or_variable_is_seen_and_one_to_limits_isn_t():
    first = compiled(ROWS).lists["ListInvoices"].fingerprint
    assert compiled(ROWS).lists["ListInvoices"].fingerprint == first
    limited = compiled(f'{ROWS}\nlimits = {{ rate = "1/minute" }}').lists["ListInvoices"]
    assert limited.fingerprint == first
    assert limited.limits.count == 1
    for keys, url in (
        (ROWS.replace("$.a", "$.b"), "https://a.example/list"),
        (ROWS, "https://a.example/other"),
    ):
        assert compiled(keys, url=url).lists["ListInvoices"].fingerprint != first


def test_a_nudge_is_signed_in_base_64_or_hexadecimal():
    nudge = Nudge(header="X-Signature", secret="Key")
    digest = hmac.new(b"k", b"body", hashlib.sha256)
    secrets = {"Key": Secret("k")}
    for text in (
        b64encode(digest.digest()).decode(),
        digest.hexdigest(),
        digest.hexdigest().upper(),
    ):
        assert nudge.is_signed(b"body", [("x-signature", text)], secrets)
    assert not nudge.is_signed(b"other", [("x-signature", digest.hexdigest())], secrets)
    assert not nudge.is_signed(b"body", [], secrets)
    assert not nudge.is_signed(b"body", [("x-signature", digest.hexdigest())], {})
    found = compiled(f'{ROWS}\nnudge = {{ header = "x-sig", hmac = "{{{{Key}}}}" }}')
    assert found.lists["ListInvoices"].nudge == Nudge(header="x-sig", secret="Key")
    assert found.secrets == {"Key"}
