"""docs/api.md is a contract: anything undocumented fails here."""

import json
import re
from pathlib import Path

from asgi_client import ask
from billhook.engine.errors import (
    BillhookError,
    ConfigurationError,
    ListParked,
    ListRepeats,
    ListTooLong,
    ListUnreadable,
)
from billhook.gateway.errors import CallerLeft, GatewayError
from billhook.gateway.response import OWN_HEADERS
from billhook.gateway.route import Route, read_route
from gateway.gateway_cast import RUN_PATH, bearer, make_gateway

NEVER_SENT = {
    CallerLeft,
    ConfigurationError,
    *(ListParked, ListRepeats, ListTooLong, ListUnreadable),  # the gateway runs no list
}
PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text()


def errors_of(root):
    below = [error for child in root.__subclasses__() for error in errors_of(child)]
    own = hasattr(root, "code") and root.__module__ in {
        "billhook.engine.errors",
        "billhook.engine.stop",
        "billhook.gateway.errors",
    }
    return [root, *below] if own else below


def test_every_code_is_in_a_table_with_its_status():
    told = set(re.findall(r"^\| (\d{3}) \| `([a-z-]+)` \|", PAGE, re.MULTILINE))
    kinds = {*errors_of(BillhookError), *errors_of(GatewayError)}
    expected = {(str(kind.status), kind.code) for kind in kinds - NEVER_SENT}

    assert told == expected


def test_the_headers_of_a_document_are_in_the_table():
    told = dict(re.findall(r"^\| `([A-Z][A-Za-z-]+)` \| (.+) \|$", PAGE, re.MULTILINE))

    assert set(told) >= {"Content-Type", "Content-Length", "Content-Disposition", "Billhook-Run"}
    for name, value in OWN_HEADERS:
        assert {key.lower(): text for key, text in told.items()}[name.decode()] == (
            f"`{value.decode()}`"
        )


def test_the_address_of_a_run_is_documented():
    path = re.search(r"^POST (/\S+)$", PAGE, re.MULTILINE)[1]
    filled = path.replace("{integration}", "a").replace("{command}", "b")

    assert read_route(filled.encode()) == Route(integration="a", command="b")


async def test_the_example_of_a_problem_matches_the_real_response():
    shown = json.loads(re.search(r"```json\n(.+?)```", PAGE, re.DOTALL)[1])
    gateway, _, _ = make_gateway()

    body = b'{"tokens": {"InvoiceNumbr": "INV0000001"}}'
    response = await ask(gateway, "POST", RUN_PATH, headers=bearer(), pieces=[body])

    assert json.loads(response.body) | {"run": shown["run"]} == shown
