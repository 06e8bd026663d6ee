"""The OpenAPI document: what ninja knows of the operations, with what all of them share."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any, Final

from billhook.portal.api.application import api
from billhook.portal.api.description.gateway_run import GATEWAY_PATH, GATEWAY_RUN
from billhook.portal.api.idempotency import HEADER
from billhook.portal.api.problems import CODES, MEDIA_TYPE

_ROOT: Final = "/api/v1"
_SECURITY: Final = "ApiKey"
_PROBLEM_REF: Final = {"$ref": "#/components/schemas/Problem"}
_TAG_OF_RUNNING: Final = "Documents"
_DESCRIPTION: Final = (
    "Every error is a problem document (RFC 9457) with a stable `code`. Times are in UTC "
    "(RFC 3339), amounts are texts with digits. Send the API key as a Bearer token."
)
_PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "type": "object",
    "description": "An error (RFC 9457). Rely on `status` and `code`.",
    "required": ["type", "title", "status", "detail", "code"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "examples": list(CODES)},
        "run": {"type": "string"},
        "reason": {"type": "string"},
        "denied": {"type": "object"},
        "problems": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["code", "where", "message"],
                "properties": {
                    "code": {"type": "string"},
                    "where": {"type": "string"},
                    "message": {"type": "string"},
                    "suggestion": {"type": "string"},
                },
            },
        },
    },
    "example": {
        "type": "urn:billhook:problem:not-found",
        "title": "The key's organisation has no such thing",
        "status": 404,
        "detail": "The organisation of this API key has no such thing. Check the id.",
        "code": "not-found",
    },
}
_ALWAYS: Final = (400, 401, 403, 429, 500, 503)


@cache
def openapi_document() -> dict[str, Any]:
    """Return the OpenAPI document of everything under ``/api/v1``."""
    document = json.loads(json.dumps(api.get_openapi_schema(path_prefix="")))
    paths = {f"{_ROOT}{path}": methods for path, methods in document["paths"].items()}
    for path, methods in paths.items():
        for method, operation in methods.items():
            _complete(path, method, operation)
    paths[GATEWAY_PATH] = {"post": _gateway_run()}
    document["paths"] = dict(sorted(paths.items()))
    document["info"]["description"] = _DESCRIPTION
    document["servers"] = [{"url": "/"}]
    components = document["components"]
    components["schemas"] = {
        name: schema
        for name, schema in components["schemas"].items()
        if not name.endswith("Query")  # ninja lists each parameter, and its class for nothing
    } | {"Problem": _PROBLEM}
    components["securitySchemes"] = {_SECURITY: {"type": "http", "scheme": "bearer"}}
    _with_examples(components["schemas"])
    return dict(document)


@cache
def openapi_json() -> bytes:
    """Return the document as it is served."""
    return json.dumps(openapi_document(), ensure_ascii=False).encode()


def _complete(path: str, method: str, operation: dict[str, Any]) -> None:
    """Add to *operation* what ninja doesn't know: scopes, shared headers, and errors."""
    scope = _scope_of(operation["operationId"])
    operation["security"] = [{_SECURITY: [scope]}]
    operation["description"] = f"{operation.get('description', '')} Needs `{scope}`.".strip()
    is_one = path.endswith("}")
    parameters = operation.setdefault("parameters", [])
    if method == "post":
        text = "A text that makes it safe to repeat the call for a day."
        parameters.append(_header(HEADER, text, maxLength=255))
    if is_one and method in {"put", "patch", "delete"}:
        parameters.append(_header("If-Match", "The ETag that it must still have."))
    if method == "get":
        parameters.append(_header("If-None-Match", "The ETag that you know."))
        operation["responses"]["304"] = {"description": "It is as you know it."}
    for status in sorted({*_ALWAYS, *_statuses(path, method)}):
        operation["responses"].setdefault(str(status), _problem_response(status))


def _statuses(path: str, method: str) -> Iterator[int]:
    if "{" in path:
        yield 404
    if method != "get":
        yield from (404, 408, 409, 412, 413, 415, 422)
    else:
        yield 422


def _problem_response(status: int) -> dict[str, Any]:
    codes = [name for name, code in CODES.items() if code.status == status]
    return {
        "description": ", ".join(f"`{code}`" for code in codes) + ".",
        "content": {MEDIA_TYPE: {"schema": _PROBLEM_REF}},
    }


def _header(name: str, description: str, **limits: object) -> dict[str, Any]:
    return {
        "in": "header",
        "name": name,
        "required": False,
        "description": description,
        "schema": {"type": "string", **limits},
    }


@cache
def _scopes() -> dict[str, str]:
    """Return the scope of each operation by its name, as the operations are declared."""
    return {
        operation.view_func.__name__: operation.auth_callbacks[0].name  # type: ignore[attr-defined]
        for router in api._get_bound_routers()  # noqa: SLF001 - it has no public list of them
        for view in router.path_operations.values()
        for operation in view.operations
    }


def _scope_of(operation_id: str) -> str:
    return _scopes()[operation_id]


def _gateway_run() -> dict[str, Any]:
    run: dict[str, Any] = json.loads(json.dumps(GATEWAY_RUN))
    run["tags"] = [_TAG_OF_RUNNING]
    run["security"] = [{_SECURITY: ["run"]}]
    return run


def _with_examples(schemas: dict[str, Any]) -> None:
    """Write each example as JSON Schema of OpenAPI 3.1 has it: in a list."""
    for schema in schemas.values():
        if "example" in schema:
            schema["examples"] = [schema.pop("example")]
