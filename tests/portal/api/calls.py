"""Calls made up by schemathesis from the OpenAPI document, in the test's own process."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import Any

import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS, load_all_checks

from billhook.portal.api.description.gateway_run import GATEWAY_PATH

_LEFT_OUT = {
    "positive_data_acceptance",  # fields that contradict each other, which no JSON Schema says
    "ignored_auth",  # it would send our key's own calls without it: test_openapi does for each
    "use_after_free",  # these two call several times: the other tests do
    "ensure_resource_availability",
    "missing_required_header",
    "max_response_time",
}


def make_calls(key: str, *, each: int) -> Counter[str]:
    """Make *each* calls of every operation; return the number of responses by status.

    Raises:
        ExceptionGroup: with what a check found.
    """
    with _connections_stay():
        return _calls(key, each)


@contextlib.contextmanager
def _connections_stay() -> Iterator[None]:
    """Keep the connection with the test's transaction, as Django's own client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


def _calls(key: str, each: int) -> Counter[str]:
    load_all_checks()
    checks = [check for check in CHECKS.get_all() if check.__name__ not in _LEFT_OUT]
    schema = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", WSGIHandler())
    statuses: Counter[str] = Counter()
    for found in schema.get_all_operations():
        operation = found.ok()
        if operation.path != GATEWAY_PATH:  # the gateway is another application
            _call(operation, key, checks, statuses, each)
    return statuses


def _call(operation: Any, key: str, checks: Any, statuses: Counter[str], each: int) -> None:
    for mode in schemathesis.GenerationMode:
        strategy = operation.as_strategy(generation_mode=mode)

        @given(case=strategy)
        @settings(
            max_examples=each // 2 or 1,
            phases=[Phase.explicit, Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            database=None,
            deadline=None,
        )
        def run(case: Any) -> None:
            case.headers = {**(case.headers or {}), "Authorization": f"Bearer {key}"}
            response = case.call()
            statuses[str(response.status_code)] += 1
            case.validate_response(response, checks=checks)

        with contextlib.suppress(schemathesis.errors.InvalidSchema):
            run()
