"""HTTP Digest: the examples of the RFC, the kinds that servers use, and what goes wrong."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import replace

import pytest

from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.digest import authorization, read_space
from billhook.engine.authentication.factory import make_authenticator
from billhook.engine.authentication.transport import SignedTransport
from billhook.engine.command.compile import compile_command
from billhook.engine.config import AuthenticationConfig, CommandConfig, StepConfig
from billhook.engine.egress.url import Origin
from billhook.engine.errors import AuthenticationFailed, BillhookError, TokenError
from billhook.engine.http.request import Limits, WebRequest
from billhook.engine.http.terms import RunTerms
from billhook.engine.http.trace import Trace
from billhook.engine.http.transport import HttpTransport, Response
from billhook.engine.reasons.challenge import Challenge, read_challenges
from billhook.engine.run import run_command
from billhook.engine.secret import Secret
from billhook.engine.testing import FakeTransport, make_response
from engine.origins import Peer, answer, pdf, serving

SOURCE = Origin(scheme="https", host="billing.example", port=443)
GET = WebRequest(
    step="Get",
    method="GET",
    url=f"{SOURCE}/dir/index.html",
    origin=SOURCE,
    target="/dir/index.html",
    headers=(),
    body=None,
    carries_secret=False,
)
MUFASA = {
    "realm": "http-auth@example.org",
    "qop": "auth, auth-int",
    "nonce": "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    "opaque": "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS",
}
JASON = {
    "realm": "api@example.org",
    "qop": "auth",
    "algorithm": "SHA-512-256",
    "nonce": "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
    "opaque": "HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS",
    "charset": "UTF-8",
    "userhash": "true",
}


def parameters(header: str) -> dict[str, str]:
    [challenge] = read_challenges([("WWW-Authenticate", header)])
    assert challenge.scheme == "digest"
    return dict(challenge.parameters)


def signed(
    given: dict[str, str],
    username: str = "Mufasa",
    password: str = "Circle of Life",
    request: WebRequest = GET,
    client_nonce: str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
) -> dict[str, str]:
    space = read_space(Challenge(scheme="digest", parameters=given))
    assert space is not None
    space.client_nonce = client_nonce
    return parameters(authorization(space, request, username, Secret(password)))


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        pytest.param("MD5", "8ca523f5e9506fed4657c9700eebdbec", id="MD5"),
        pytest.param(
            "SHA-256",
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            id="SHA-256",
        ),
    ],
)
def test_the_first_example_of_the_rfc(algorithm: str, response: str) -> None:
    """RFC 7616, 3.9.1."""
    sent = signed(MUFASA | {"algorithm": algorithm})
    assert sent["response"] == response
    assert sent | {"cnonce": "", "response": ""} == {
        "username": "Mufasa",
        "realm": MUFASA["realm"],
        "nonce": MUFASA["nonce"],
        "opaque": MUFASA["opaque"],
        "uri": "/dir/index.html",
        "algorithm": algorithm,
        "qop": "auth",
        "nc": "00000001",
        "cnonce": "",
        "response": "",
    }


@pytest.mark.skipif(
    "sha512_256" not in hashlib.algorithms_available, reason="OpenSSL without SHA-512/256"
)
def test_the_second_example_of_the_rfc_with_a_hashed_user_name() -> None:
    """RFC 7616, 3.9.2, with the values of erratum 4897."""
    request = replace(GET, url=f"{SOURCE}/doe.json", target="/doe.json")
    client_nonce = "NTg6RKcb9boFIAS3KrFK9BGeh+iDa/sm6jUMp2wds69v"
    sent = signed(JASON, "Jäsøn Doe", "Secret, or not?", request, client_nonce)
    assert sent["username"] == "793263caabb707a56211940d90411ea4a575adeccb7e360aeb624ed06ece9b0b"
    assert sent["response"] == "3798d4131c277846293534c3edc11bd8a5e4cdcbff78b05db9d95eeb1cec68a5"
    assert sent["userhash"] == "true"


def md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def test_a_challenge_without_qop_is_answered_as_in_rfc_2069() -> None:
    sent = signed({"realm": "erp", "nonce": "n"}, "ann", "s3cret")
    expected = md5(f"{md5('ann:erp:s3cret')}:n:{md5('GET:/dir/index.html')}")
    assert sent["response"] == expected
    assert not {"qop", "nc", "cnonce", "opaque"} & sent.keys()


def test_a_session_algorithm_hashes_the_nonces_into_the_password() -> None:
    given = {"realm": "erp", "nonce": "n", "qop": "auth", "algorithm": "md5-sess"}
    sent = signed(given, "ann", "s3cret", client_nonce="c")
    first = md5(f"{md5('ann:erp:s3cret')}:n:c")
    assert sent["response"] == md5(f"{first}:n:00000001:c:auth:{md5('GET:/dir/index.html')}")
    assert sent["algorithm"] == "md5-sess"


def test_auth_int_hashes_the_body_where_the_source_offers_nothing_else() -> None:
    given = {"realm": "erp", "nonce": "n", "qop": "auth-int"}
    request = replace(GET, method="POST", body=b"a=b")
    sent = signed(given, "ann", "s3cret", request, client_nonce="c")
    second = md5(f"POST:/dir/index.html:{md5('a=b')}")
    assert sent["qop"] == "auth-int"
    assert sent["response"] == md5(f"{md5('ann:erp:s3cret')}:n:00000001:c:auth-int:{second}")


def test_quotes_and_backslashes_are_escaped_and_hashed_as_they_are() -> None:
    sent = signed({"realm": 'a "b" \\', "nonce": 'n"'}, 'a"n\\n', "s3cret")
    first = md5('a"n\\n:a "b" \\:s3cret')
    assert sent["response"] == md5(f'{first}:n":{md5("GET:/dir/index.html")}')
    assert (sent["username"], sent["realm"], sent["nonce"]) == ('a"n\\n', 'a "b" \\', 'n"')


def test_a_user_name_that_is_not_ascii_is_sent_in_the_extended_form_where_utf_8_is_agreed() -> None:
    space = read_space(
        Challenge(scheme="digest", parameters={"realm": "erp", "nonce": "n", "charset": "utf-8"})
    )
    assert space is not None
    header = authorization(space, GET, "Jäsøn", Secret("x"))
    assert "username*=UTF-8''J%C3%A4s%C3%B8n" in header
    assert "username=" not in header


# Requests and challenges in turn


def challenge(nonce: str = "n1", more: str = "", realm: str = "erp") -> Response:
    value = f'Digest realm="{realm}", nonce="{nonce}", qop="auth", algorithm=MD5{more}'
    return make_response(status=401, headers=[("WWW-Authenticate", value)])


class Client:
    def __init__(self, *answers: object, username: str = "ann") -> None:
        config = AuthenticationConfig(
            scheme="digest", fields={"username": username, "password": "{{Password}}"}
        )
        plan = compile_authentication(config, variables={}, secrets=["Password"])
        self.network = FakeTransport(*answers)  # type: ignore[arg-type]
        self.transport = SignedTransport(
            self.network,
            authenticator=make_authenticator(plan, {"Password": Secret("s3cret")}),
            origins=frozenset({SOURCE}),
        )
        self.trace = Trace()

    async def get(self, request: WebRequest = GET) -> int:
        terms = RunTerms(
            limits=Limits(timeout=30.0, max_bytes=10_000),
            redirects="deny",
            deadline=asyncio.get_running_loop().time() + 30,
            trace=self.trace,
        )
        response = await self.transport.exchange(request, terms)
        response.body.close()
        return response.status

    @property
    def sent(self) -> list[tuple[str, str]]:
        """The nonce and the count of each request."""
        headers = [dict(each.headers).get("Authorization", "") for each in self.network.requests]
        found = [parameters(header) if header else {} for header in headers]
        return [(each.get("nonce", ""), each.get("nc", "")[-1:]) for each in found]


async def test_a_challenge_is_used_for_all_following_requests() -> None:
    client = Client(challenge(), make_response(), make_response(), make_response())
    assert [await client.get() for _ in range(3)] == [200, 200, 200]
    assert client.sent == [("", ""), ("n1", "1"), ("n1", "2"), ("n1", "3")]
    assert all(request.carries_secret for request in client.network.requests)


async def test_a_stale_nonce_is_replaced_and_the_request_sent_again() -> None:
    client = Client(challenge(), make_response(), challenge("n2", ", stale=true"), make_response())
    assert [await client.get(), await client.get()] == [200, 200]
    assert client.sent[2:] == [("n1", "2"), ("n2", "1")]


async def test_the_next_nonce_of_a_response_is_used() -> None:
    informed = make_response(headers=[("Authentication-Info", 'rspauth="x", nextnonce="n2"')])
    client = Client(challenge(), make_response(), informed, make_response())
    assert [await client.get() for _ in range(3)] == [200, 200, 200]
    assert client.sent == [("", ""), ("n1", "1"), ("n1", "2"), ("n2", "1")]


async def test_a_wrong_password_is_sent_once_in_a_run() -> None:
    client = Client(challenge(), challenge("n2"))
    assert await client.get() == 401
    assert len(client.network.requests) == 2


async def test_the_first_challenge_that_can_be_met_counts() -> None:
    offers = (
        'Basic realm="x", '
        'Digest realm="erp", nonce="a", algorithm=TIGER, '
        'Digest realm="erp", nonce="b", algorithm=SHA-256, qop="auth-int,auth", '
        'Digest realm="erp", nonce="c", algorithm=MD5'
    )
    offered = make_response(status=401, headers=[("WWW-Authenticate", offers)])
    client = Client(offered, make_response())
    assert await client.get() == 200
    assert client.sent[1] == ("b", "1")


async def test_an_unknown_kind_of_digest_is_named() -> None:
    offered = make_response(
        status=401, headers=[("WWW-Authenticate", 'Digest realm="x", nonce="a", algorithm=TIGER')]
    )
    with pytest.raises(AuthenticationFailed, match="kind of HTTP Digest"):
        await Client(offered).get()


async def test_a_response_of_another_origin_gives_no_challenge() -> None:
    elsewhere = Origin(scheme="https", host="files.example", port=443)
    client = Client(replace(challenge(), origin=elsewhere))
    assert await client.get() == 401
    assert client.sent == [("", "")]


async def test_a_colon_in_the_user_name_is_refused() -> None:
    with pytest.raises(BillhookError, match="colon"):
        Client(username="a:b")
    config = AuthenticationConfig(
        scheme="digest", fields={"username": "{{User}}", "password": "{{Password}}"}
    )
    plan = compile_authentication(config, variables={}, secrets=["User", "Password"])
    with pytest.raises(TokenError, match="colon"):
        make_authenticator(plan, {"User": Secret("a:b"), "Password": Secret("x")})


async def test_a_redirect_is_followed_with_a_signature_for_its_own_address() -> None:
    def is_signed(request: bytes) -> bool:
        target = request.split(b" ")[1].decode()
        return f'uri="{target}"'.encode() in request

    async def script(peer: Peer) -> None:
        while True:
            request = await peer.request()
            if not is_signed(request):
                wants = 'WWW-Authenticate: Digest realm="erp", nonce="n", qop="auth"'
                await peer.send(answer(b"", wants, status="401 Unauthorized"))
            elif request.startswith(b"GET /old"):
                await peer.send(answer(b"", "Location: /new?a=%2F", status="302 Found"))
            else:
                await peer.send(answer(pdf()))

    async with serving(script) as origin:
        config = CommandConfig(name="GetInvoiceImage", steps=(StepConfig(url=f"{origin.url}/old"),))
        command = compile_command(config)
        plan = compile_authentication(
            AuthenticationConfig(
                scheme="digest", fields={"username": "ann", "password": "{{Password}}"}
            ),
            variables={},
            secrets=["Password"],
        )
        async with HttpTransport(origin.policy()) as http:
            transport = SignedTransport(
                http,
                authenticator=make_authenticator(plan, {"Password": Secret("x")}),
                origins=command.origins,
            )
            with await run_command(command, command.values({}), transport=transport) as document:
                assert document.body.read() == pdf()
        assert len(origin.requests) == 3
