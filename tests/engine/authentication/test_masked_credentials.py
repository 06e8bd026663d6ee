"""A canary in every secret of every scheme, through every failure: it is sent, and never shown."""

from __future__ import annotations

import asyncio
import base64
import logging
import traceback

import pytest

from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.authentication.token_store import MemoryTokenStore
from billhook.engine.authentication.transport import SignedTransport
from billhook.engine.config import AuthenticationConfig, ExtractConfig, PathConfig, StepConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import BillhookError, SourceTimeout, SourceUnreachable
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.secret import Secret
from billhook.engine.testing import FakeTransport, make_response

CANARY = "Q0FOQVJZ"  # base 64 itself, since one scheme's key has to be
SOURCE = Origin(scheme="https", host="billing.example", port=443)
CLIENT = {
    "token_url": "https://auth.example/token",
    "client_id": "{{Secret}}",
    "client_secret": "{{Secret}}",
}
CONFIGS = {
    "basic": {"username": "{{Secret}}", "password": "{{Secret}}"},
    "digest": {"username": "{{Secret}}", "password": "{{Secret}}"},
    "bearer": {"token": "{{Secret}}"},
    "header": {"name": "X-Key", "value": "{{Secret}}"},
    "query": {"name": "key", "value": "{{Secret}}"},
    "oauth2-client-credentials": CLIENT,
    "oauth2-refresh-token": {**CLIENT, "refresh_token": "{{Secret}}"},
    "hmac": {"header": "X-Signature", "key": "{{Secret}}"},
    "standard-webhooks": {"key": "{{Secret}}"},
    "aws-sigv4": {
        "access_key": "{{Secret}}",
        "secret_key": "{{Secret}}",
        "session_token": "{{Secret}}",
        "region": "eu-central-1",
        "service": "s3",
    },
    "oauth1": {
        "consumer_key": "{{Secret}}",
        "consumer_secret": "{{Secret}}",
        "token_secret": "{{Secret}}",
    },
    "session": {},
}
SESSION = StepConfig(
    method="POST",
    url="https://auth.example/login",
    headers=(("Content-Type", "application/json"), ("X-Key", "{{Secret}}")),
    body='{"key": {{Secret}}}',
    extract=(ExtractConfig(name="Id", path=PathConfig(kind="json", text="$.id")),),
)
TELLING = f'{{"error": "invalid_grant", "error_description": "{CANARY}", "id": ["{CANARY}"]}}'
FAILURES = {
    "unreachable": SourceUnreachable,
    "too slow": lambda: SourceTimeout("headers"),
    "401 with the secret": lambda: make_response(TELLING.encode(), status=401),
    "500 with the secret": lambda: make_response(CANARY.encode(), status=500),
    "a challenge": lambda: make_response(
        CANARY.encode(),
        status=401,
        headers=[("WWW-Authenticate", f'Digest realm="{CANARY}", nonce="{CANARY}"')],
    ),
    "200 with the secret": lambda: make_response(TELLING.encode()),
    "a token that can't be": lambda: make_response(
        f'{{"access_token": "{CANARY}\\n", "id": "{CANARY}\\n"}}'.encode()
    ),
}


def config_of(scheme: str) -> AuthenticationConfig:
    if scheme == "session":
        headers = (("X-Session", "{{Session.Id}}"), ("X-Key", "{{Secret}}"))
        return AuthenticationConfig(scheme=scheme, requests=(SESSION,), headers=headers)
    return AuthenticationConfig(scheme=scheme, fields=CONFIGS[scheme])  # type: ignore[arg-type]


def texts_of(error: BillhookError) -> str:
    """Return everything that an error could tell anybody."""
    lines = traceback.TracebackException.from_exception(error, capture_locals=False)
    return "".join(lines.format()) + repr(error) + repr(vars(error))


@pytest.mark.parametrize("failure", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("scheme", CONFIGS)
async def test_no_secret_appears_in_an_error_a_log_or_a_repr(caplog, scheme, failure):
    caplog.set_level(logging.DEBUG)
    plan = compile_authentication(config_of(scheme), variables={}, secrets=["Secret"])
    bound = make_authenticator(plan, {"Secret": Secret(CANARY)}, token_store=MemoryTokenStore())
    network = FakeTransport(*(failure() for _ in range(4)))
    transport = SignedTransport(network, authenticator=bound, origins=frozenset({SOURCE}))
    trace, seen = Trace(), ""
    request = WebRequest(
        step="Get",
        method="POST",
        url=f"{SOURCE}/1?a=b",
        origin=SOURCE,
        target="/1?a=b",
        headers=(("Content-Type", "application/x-www-form-urlencoded"),),
        body=b"a=b",
        carries_secret=False,
    )
    try:
        response = await transport.exchange(
            request,
            RunTerms(
                limits=Limits(timeout=30.0, max_bytes=1000),
                redirects="deny",
                deadline=asyncio.get_running_loop().time() + 30,
                trace=trace,
            ),
        )
    except BillhookError as error:
        seen = texts_of(error)
    else:
        response.body.close()
    seen += repr(
        (plan, bound, transport, trace.attempts, network.requests, plan.scheme.headers(plan))
    )
    seen += caplog.text
    assert CANARY not in seen
    assert base64.b64encode(CANARY.encode()).decode() not in seen
    assert all(request.carries_secret for request in network.requests)
