"""The schemes of OAuth 2 against an authorization server that is not ours: Authlib's."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from aiohttp import ClientSession
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from billhook.engine.authentication.authorization import begin_authorization, finish_authorization
from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.oauth2_client import make_client
from billhook.engine.http.trace import Trace
from lab.invoices import NUMBERS, UNKNOWN, make_invoices
from lab.real.authorization_server import ASSERTION, CLIENT_ID, REDIRECT_URI, SCOPE, Client, Server
from lab.real.harness import open_integration

PDFS = {invoice.number: invoice.pdf for invoice in make_invoices()}
SECRET = "s3cret-_.~42"
HARD_SECRET = "s3cret:%+/=& ü"
METHODS = {"header": "client_secret_basic", "body": "client_secret_post"}
FILE = """
format = 1
[integration]
name = "Invoices behind OAuth 2"
variables = {{ BaseUrl = "https://invoices.example.com" }}
secrets = [{secrets}]
[authentication]
scheme = "{scheme}"
token_url = "{{{{BaseUrl}}}}/token"
client_id = "{client_id}"
client_secret = "{{{{ClientSecret}}}}"
client_auth = "{client_auth}"
scope = "{scope}"
{more}
[commands.GetInvoiceImage]
url = "{{{{BaseUrl}}}}/invoices/{{{{InvoiceNumber}}}}"
"""


@asynccontextmanager
async def opened(scheme, *, client_auth="header", secret=SECRET, given=None, more="", **secrets):
    """Serve, and open an integration with *scheme*; yield server and integration."""
    server = Server(Client(secret=secret, auth=METHODS[client_auth]))
    if "refresh_token" in more:
        secrets["RefreshToken"] = server.first_refresh_token()
    secrets["ClientSecret"] = given or secret
    text = FILE.format(
        scheme=scheme,
        secrets=", ".join(f'"{name}"' for name in secrets),
        client_id=CLIENT_ID,
        client_auth=client_auth,
        scope=SCOPE,
        more=more,
    )
    async with server.serve() as origin:
        variables = {"BaseUrl": origin}
        async with open_integration(text, origin, variables=variables, secrets=secrets) as it:
            yield server, it


@pytest.mark.parametrize(
    ("client_auth", "secret"),
    [
        pytest.param("header", SECRET, id="header"),
        pytest.param("body", HARD_SECRET, id="body"),
    ],
)
async def test_client_credentials_fetch_all_ten_with_one_token(client_auth, secret):
    scheme = "oauth2-client-credentials"
    async with opened(scheme, client_auth=client_auth, secret=secret) as (server, it):
        assert [await it.outcome(number) for number in NUMBERS] == [PDFS[n] for n in NUMBERS]
        assert await it.outcome(UNKNOWN) == "document-not-found"
    assert server.seen.grants == ["client_credentials"]


@pytest.mark.parametrize(
    ("client_auth", "algorithm"),
    [
        pytest.param("private_key_jwt", "RS256", id="RSA"),
        pytest.param("client_secret_jwt", "HS256", id="secret"),
    ],
)
@pytest.mark.filterwarnings("ignore::Warning:authlib")
async def test_clients_that_sign_an_assertion_get_a_token(client_auth, algorithm):
    signed = client_auth == "private_key_jwt"
    secret = f"{SECRET}, longer than 256 bits of HS256"
    key = rsa.generate_private_key(65537, 2048)
    verifies = public_pem(key) if signed else secret
    server = Server(Client(secret=secret, auth=ASSERTION, key=verifies))
    more = f'algorithm = "{algorithm}"\n' + ('private_key = "{{Key}}"' if signed else "")
    text = FILE.format(
        scheme="oauth2-client-credentials",
        secrets='"ClientSecret", "Key"',
        client_id=CLIENT_ID,
        client_auth=client_auth,
        scope=SCOPE,
        more=more,
    )
    secrets = {"ClientSecret": secret, "Key": private_pem(key)}
    async with (
        server.serve() as origin,
        open_integration(text, origin, variables={"BaseUrl": origin}, secrets=secrets) as it,
    ):
        assert await it.outcome(NUMBERS[0]) == PDFS[NUMBERS[0]]
        server.expire()
        assert await it.outcome(NUMBERS[0]) == PDFS[NUMBERS[0]]
    assert len(set(server.assertions)) == 2


def private_pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()


def public_pem(key):
    return (
        key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


async def test_an_expired_access_token_is_replaced_once():
    async with opened("oauth2-client-credentials") as (server, it):
        await it.outcome(NUMBERS[0])
        server.expire()
        assert await it.outcome(NUMBERS[0]) == PDFS[NUMBERS[0]]
    assert server.seen.grants == ["client_credentials"] * 2
    assert server.seen.statuses == [200, 401, 200]


async def test_a_wrong_client_secret_is_reported_as_failed_authentication():
    async with opened("oauth2-client-credentials", given=f"{SECRET}~") as (server, it):
        assert await it.outcome(NUMBERS[0]) == "sign-in-failed"
    assert server.seen.statuses == [401]


async def test_rotating_refresh_tokens_are_each_used_once_however_many_runs_there_are():
    more = 'refresh_token = "{{RefreshToken}}"'
    async with opened("oauth2-refresh-token", more=more) as (server, it):
        for _ in range(3):
            found = await asyncio.gather(*(it.outcome(number) for number in NUMBERS))
            assert found == [PDFS[number] for number in NUMBERS]
            server.expire()
    assert server.seen.grants == ["refresh_token"] * 3
    assert [token.revoked for token in server.tokens] == [True, True, True, False]


async def test_a_refresh_token_that_was_used_elsewhere_ends_the_connection():
    more = 'refresh_token = "{{RefreshToken}}"'
    async with opened("oauth2-refresh-token", more=more) as (server, it):
        server.tokens[0].revoked = True
        assert await it.outcome(NUMBERS[0]) == "sign-in-failed"


async def connect(server, it):
    """Agree in the browser and come back, as Connect in the backoffice does."""
    config = it.config
    plan = compile_authentication(
        config.authentication, variables=config.variables, secrets=config.secrets
    )
    client = make_client(plan, it.secrets)
    begun = begin_authorization(client, redirect_uri=REDIRECT_URI)
    async with (
        ClientSession() as browser,
        browser.get(begun.url, allow_redirects=False) as response,
    ):
        back = response.headers["Location"]
    await finish_authorization(
        client,
        query=urlsplit(back).query,
        state=begun.state,
        verifier=begun.verifier,
        redirect_uri=REDIRECT_URI,
        token_store=it.token_store,
        transport=it.source.line_out,
        trace=Trace(),
        deadline=asyncio.get_running_loop().time() + 30,
    )


@pytest.mark.parametrize("client_auth", ["header", "body"])
async def test_a_code_with_pkce_connects_once_and_refreshes_from_then_on(client_auth):
    more = 'authorize_url = "{{BaseUrl}}/authorize"'
    scheme = "oauth2-authorization-code"
    async with opened(scheme, client_auth=client_auth, more=more) as (server, it):
        assert await it.outcome(NUMBERS[0]) == "sign-in-failed"
        await connect(server, it)
        assert await it.outcome(NUMBERS[0]) == PDFS[NUMBERS[0]]
        server.expire()
        assert await it.outcome(NUMBERS[1]) == PDFS[NUMBERS[1]]
    assert server.seen.grants == ["authorization_code", "refresh_token"]
    assert server.codes == {}
