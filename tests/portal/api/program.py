"""A program that calls the API."""

from __future__ import annotations

import json
from typing import Any

from django.test import Client

MEDIA_TYPE = "application/problem+json"


class Program:
    """Calls the API with one key, in the test's own process."""

    def __init__(self, key: str | None) -> None:
        self.key = key
        self._client = Client(raise_request_exception=False)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Return the response to a call; ``if_match="x"`` sends the header If-Match."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        kind = named.pop("content-type", "application/json")
        if self.key is not None:
            named.setdefault("Authorization", f"Bearer {self.key}")
        content = body if isinstance(body, (bytes, str)) else json.dumps(body)
        return self._client.generic(
            method,
            f"/api/v1{path}",
            "" if body is None else content,
            content_type=kind,
            headers=named,
        )

    def get(self, path: str, **headers: str) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self.call("POST", path, body, **headers)


def problem_of(response: Any) -> tuple[int, str]:
    """Return the status and the code of a problem; fail if it is none of the one form."""
    assert response.headers["Content-Type"] == MEDIA_TYPE
    document = response.json()
    assert document["status"] == response.status_code
    assert document["type"] == f"urn:billhook:problem:{document['code']}"
    assert document["detail"]
    assert document["title"]
    return response.status_code, document["code"]


def places_of(response: Any) -> list[str]:
    """Return the places of the single problems."""
    return [each["where"] for each in response.json()["problems"]]


def row(number: str = "INV-100", **more: Any) -> dict[str, Any]:
    """Return the facts of a new invoice of Acme."""
    return {
        "number": number,
        "customer_number": "C-1",
        "issued_on": "2026-03-31",
        "due_on": "2026-04-30",
        "amount": "1240.00",
        "currency": "EUR",
        **more,
    }
