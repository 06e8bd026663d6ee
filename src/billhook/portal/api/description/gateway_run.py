"""The description of the gateway's run call, which is in the same document as the API."""

from __future__ import annotations

from typing import Any, Final

from billhook.portal.api.problems import MEDIA_TYPE

GATEWAY_PATH: Final = "/api/v1/integrations/{integration}/commands/{command}/run"
_STATUSES: Final = {
    400: "The body can't be read as JSON.",
    401: "There is no API key, or none that works.",
    403: "The key has no scope `run`.",
    404: "There is no such integration, command or document.",
    408: "The body didn't arrive in time.",
    413: "The body has more than 64 KB.",
    415: "The body isn't declared as plain JSON.",
    422: "Values of tokens are unknown, missing, or not allowed.",
    429: "Too many runs, or too many wrong keys.",
    500: "A fault in Billhook.",
    502: "The source failed.",
    503: "The source is paused, or the server can't take the run.",
    504: "The source took too long.",
}


def _parameter(name: str, description: str) -> dict[str, Any]:
    return {
        "in": "path",
        "name": name,
        "required": True,
        "description": description,
        "schema": {"type": "string"},
    }


GATEWAY_RUN: Final[dict[str, Any]] = {
    "operationId": "run_command",
    "summary": "Run Command",
    "description": "Run a command of an integration, and return its document. Needs `run`.",
    "parameters": [
        _parameter("integration", "The id or the name of an integration."),
        _parameter("command", "The name of a command, such as `GetInvoiceImage`."),
    ],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "additionalProperties": False,
                    "properties": {
                        "tokens": {
                            "type": "object",
                            "additionalProperties": {
                                "type": ["string", "number", "boolean", "null"]
                            },
                        }
                    },
                    "examples": [{"tokens": {"InvoiceNumber": "INV0000001"}}],
                }
            }
        },
    },
    "responses": {
        "200": {
            "description": "The document, complete and verified.",
            "headers": {
                "Billhook-Run": {"description": "The run's id.", "schema": {"type": "string"}}
            },
            "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}},
        },
        **{
            str(status): {
                "description": text,
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
            for status, text in _STATUSES.items()
        },
    },
}
