"""The OpenAPI document is true: its examples fit it, and calls made up from it find no fault."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from django.test import Client
from django.urls import get_resolver

from billhook.gateway.errors import GatewayError
from billhook.portal.api.description.gateway_run import GATEWAY_PATH
from billhook.portal.api.description.openapi import openapi_document
from billhook.portal.api.problems import CODES
from billhook.portal.fields.key_scopes import SCOPES
from portal.api.program import Program, problem_of
from portal.cast import Cast

METHODS = ("get", "post", "put", "patch", "delete")


def operations() -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in openapi_document()["paths"].items():
        for method, operation in methods.items():
            if path != GATEWAY_PATH:
                yield method.upper(), path.removeprefix("/api/v1"), operation


def test_everybody_may_read_the_document(db: None) -> None:
    response = Client().get("/api/v1/openapi.json")
    assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")
    document = response.json()
    assert document["openapi"].startswith("3.1.")
    assert document == json.loads(json.dumps(openapi_document()))


def test_every_route_is_in_it() -> None:
    routes = {
        re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", f"/{pattern.pattern}")
        for pattern in get_resolver("billhook.portal.api.urls").url_patterns
    }
    documented = {path for _, path, _ in operations()}
    assert routes - {"/openapi.json", "/"} == documented


def test_every_example_fits_its_schema() -> None:
    document = openapi_document()
    schemas = document["components"]["schemas"]
    with_examples = {name for name, schema in schemas.items() if schema.get("examples")}
    for name in with_examples:
        whole = {**schemas[name], "components": document["components"]}
        for example in schemas[name]["examples"]:
            jsonschema_rs.validate(whole, example)
    shapes = {"RowResult", "RefusedBecause", "FileProblem"}
    assert {name for name in schemas if not name.startswith("ApiPage")} - with_examples == shapes


def test_every_operation_needs_a_known_scope_and_every_scope_is_needed() -> None:
    needed = {
        scope for _, _, operation in operations() for scope in operation["security"][0]["ApiKey"]
    }
    assert needed | {"run"} == set(SCOPES)


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [pytest.param(*each, id=each[2]["operationId"]) for each in operations()],
)
def test_each_operation_is_open_to_exactly_its_scope(
    program_with, cast: Cast, method: str, path: str, operation: dict[str, Any]
) -> None:
    address = re.sub(r"{\w+}", "none", path)
    (scope,) = operation["security"][0]["ApiKey"]
    kind = scope.partition(":")[0]
    others = [name for name in SCOPES if name.partition(":")[0] != kind]
    assert problem_of(Program(None).call(method, address)) == (401, "key-missing")
    assert problem_of(program_with(*others).call(method, address))[0] == 403
    if scope.endswith(":write"):
        assert problem_of(program_with(f"{kind}:read").call(method, address))[0] == 403
    assert program_with(scope).call(method, address).status_code not in {401, 403, 500}


def test_codes_that_the_gateway_has_too_mean_the_same_status() -> None:
    shared = {
        error.code: error.status
        for error in GatewayError.__subclasses__()
        if hasattr(error, "code")
    }
    assert {code: CODES[code].status for code in CODES.keys() & shared} == {
        code: shared[code] for code in CODES.keys() & shared
    }
