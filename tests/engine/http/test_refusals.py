"""A response with status 401: its challenges are read, and the message names what is wanted."""

from __future__ import annotations

import base64

import pytest

from billhook.engine.errors import SourceRefused
from billhook.engine.http.transport import HttpTransport
from billhook.engine.reasons.challenge import read_challenges
from billhook.engine.reasons.refusal import (
    DROPPED_CREDENTIAL,
    NO_CREDENTIAL,
    OTHER_CREDENTIAL,
    REFUSAL_MESSAGES,
    credential_kind,
    refusal_reason,
)
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from engine.origins import always, answer, command, serving


@pytest.mark.parametrize(
    ("values", "challenges"),
    [
        pytest.param(['Basic realm="a, b"'], [("basic", {"realm": "a, b"})], id="one"),
        pytest.param(["Negotiate", "NTLM"], [("negotiate", {}), ("ntlm", {})], id="two headers"),
        pytest.param(["Negotiate, NTLM"], [("negotiate", {}), ("ntlm", {})], id="one header"),
        pytest.param(
            ['Newauth realm="apps", type=1, title="Login to \\"apps\\"", Basic realm="simple"'],
            [
                ("newauth", {"realm": "apps", "type": "1", "title": 'Login to "apps"'}),
                ("basic", {"realm": "simple"}),
            ],
            id="the example of RFC 9110",
        ),
        pytest.param(
            ["NTLM TlRMTVNTUAACAAA=, Basic realm=x"],
            [("ntlm", {}), ("basic", {"realm": "x"})],
            id="with a token",
        ),
        pytest.param([", ,Basic realm = x ,"], [("basic", {"realm": "x"})], id="stray commas"),
        pytest.param(
            ["Digest realm=x nonce"], [("digest", {"realm": "x"}), ("nonce", {})], id="broken"
        ),
        pytest.param(['Basic realm="x'], [("basic", {})], id="an open quote"),
        pytest.param(["", "@"], [], id="nothing"),
    ],
)
def test_challenges_are_read_as_rfc_9110_says(values, challenges):
    headers = [("X", "y"), *(("www-authenticate", value) for value in values)]
    found = [(each.scheme, dict(each.parameters)) for each in read_challenges(headers)]
    assert found == challenges


def test_a_long_header_is_read_in_little_time():
    assert len(read_challenges([("WWW-Authenticate", 'a="' + "\\" * 100_000)])) <= 1
    assert read_challenges([("WWW-Authenticate", "a, " * 100_000)])
    assert len(read_challenges([("WWW-Authenticate", "a " * 4_000)] * 100)) == 20


def test_a_key_alone_is_no_scheme():
    assert credential_kind("s3cret-key") == OTHER_CREDENTIAL
    assert credential_kind("Basic eDp5") == "basic"
    assert credential_kind("NTLM TlRMTVNTUAAB") == "windows"


@pytest.mark.parametrize(
    ("wanted", "sent", "reason"),
    [
        pytest.param("Basic realm=x", "basic", "", id="the same"),
        pytest.param("NTLM, Basic realm=x", "basic", "", id="among others"),
        pytest.param("Digest realm=x, nonce=y", "basic", "wants-digest", id="digest"),
        pytest.param("Negotiate, NTLM", "basic", "wants-windows", id="windows"),
        pytest.param("Bearer", "basic", "wants-bearer", id="bearer"),
        pytest.param("Hawk", "bearer", "wants-unknown", id="unknown"),
        pytest.param("Negotiate, Basic realm=x", "bearer", "wants-basic", id="the easiest"),
        pytest.param("Basic realm=x", OTHER_CREDENTIAL, "", id="a key of its own"),
        pytest.param("", "basic", "", id="no challenge"),
        pytest.param("", NO_CREDENTIAL, "no-credentials", id="nothing sent"),
        pytest.param("NTLM", NO_CREDENTIAL, "no-credentials-windows", id="nothing sent, windows"),
        pytest.param("Basic realm=x", DROPPED_CREDENTIAL, "credential-dropped", id="dropped"),
    ],
)
def test_the_reason_names_what_the_source_wants(wanted, sent, reason):
    challenges = read_challenges([("WWW-Authenticate", wanted)])
    assert refusal_reason(challenges, sent) == reason
    assert not reason or REFUSAL_MESSAGES[reason]


BASIC = f"Basic {base64.b64encode(b'ann:x').decode()}"


@pytest.mark.parametrize(
    ("headers", "wanted", "reason", "says"),
    [
        pytest.param((), 'Digest realm="x", nonce="y"', "no-credentials-digest", "digest", id="no"),
        pytest.param(
            (("Authorization", BASIC),), "NTLM", "wants-windows", "Windows sign-in", id="windows"
        ),
        pytest.param((("Authorization", BASIC),), "Basic realm=x", "401", "mistyped", id="wrong"),
        pytest.param((("X-Key", "{{Key}}"),), "Basic realm=x", "401", "mistyped", id="a key"),
    ],
)
async def test_a_run_that_is_refused_says_what_the_source_wants(headers, wanted, reason, says):
    refusal = answer(b"", f"WWW-Authenticate: {wanted}", status="401 Unauthorized")
    async with serving(always(refusal)) as origin, HttpTransport(origin.policy()) as transport:
        config = command(f"{origin.url}/1", headers=headers, secrets=("Key",))
        secrets = {"Key": Secret("k3y")} if "Key" in config.secrets else {}
        with pytest.raises(SourceRefused, match=says) as caught:
            await run_command(config, config.values({}, secrets=secrets), transport=transport)
    assert caught.value.reason == reason


async def test_a_run_whose_credential_was_dropped_says_so():
    refusal = answer(b"", "WWW-Authenticate: Basic realm=x", status="401 Unauthorized")
    async with serving(always(refusal)) as other:
        away = answer(b"", f"Location: {other.url}/", status="302 Found")
        async with serving(always(away)) as origin:
            policy = origin.policy(allow=[f"{other.host}:{other.port}"])
            async with HttpTransport(policy) as transport:
                config = command(
                    f"{origin.url}/1", headers=(("X-Key", "{{Key}}"),), secrets=("Key",)
                )
                values = config.values({}, secrets={"Key": Secret("k3y")})
                with pytest.raises(SourceRefused, match="another address") as caught:
                    await run_command(config, values, transport=transport)
    assert caught.value.reason == "credential-dropped"
