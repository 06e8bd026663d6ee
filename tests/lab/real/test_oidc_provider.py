"""The schemes of OAuth 2 against oidc-provider, a certified OpenID Connect server for Node."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from urllib.parse import quote, urljoin, urlsplit

import pytest
from aiohttp import ClientSession, CookieJar

from billhook.engine.authentication.authorization import begin_authorization, finish_authorization
from billhook.engine.authentication.compile import compile_authentication
from billhook.engine.authentication.oauth2_client import make_client
from billhook.engine.http.trace import Trace
from lab.invoices import NUMBERS, UNKNOWN, make_invoices
from lab.real.harness import open_integration
from lab.real.processes import running_node

PDFS = {invoice.number: invoice.pdf for invoice in make_invoices()}
SECRET = "s3cret:with/hard+characters&%7"
REDIRECT_URI = "https://portal.example.com/connected"
FILE = """
format = 1
[integration]
name = "Invoices behind OpenID Connect"
variables = {{ BaseUrl = "https://invoices.example.com" }}
secrets = ["ClientSecret"]
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


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """Serve oidc-provider in front of all invoices, and give its origin."""
    folder = tmp_path_factory.mktemp("behind")
    for number, pdf in PDFS.items():
        (folder / quote(number, safe="")).write_bytes(pdf)
    with running_node(folder) as facts:
        yield facts["origin"]


@asynccontextmanager
async def opened(origin, scheme, client_id, *, client_auth="header", scope="invoices", more=""):
    text = FILE.format(
        scheme=scheme, client_id=client_id, client_auth=client_auth, scope=scope, more=more
    )
    variables, secrets = {"BaseUrl": origin}, {"ClientSecret": SECRET}
    async with open_integration(text, origin, variables=variables, secrets=secrets) as it:
        yield it


@pytest.mark.parametrize("client_auth", ["header", "body"])
async def test_client_credentials_in_a_header_and_in_a_body_fetch_all_ten(provider, client_auth):
    scheme, client_id = "oauth2-client-credentials", f"in-{client_auth}"
    async with opened(provider, scheme, client_id, client_auth=client_auth) as it:
        assert [await it.outcome(number) for number in NUMBERS] == [PDFS[n] for n in NUMBERS]
        assert await it.outcome(UNKNOWN) == "document-not-found"


async def test_an_unknown_client_is_reported_as_failed_authentication(provider):
    async with opened(provider, "oauth2-client-credentials", "nobody") as it:
        assert await it.outcome(NUMBERS[0]) == "sign-in-failed"


async def agree(url):
    """Follow the redirects of a browser until they leave the provider; return the last one."""
    async with ClientSession(cookie_jar=CookieJar(unsafe=True)) as browser:
        for _ in range(8):
            async with browser.get(url, allow_redirects=False) as response:
                url = urljoin(url, response.headers["Location"])
            if url.startswith(REDIRECT_URI):
                return url
    raise AssertionError(url)


async def connect(it):
    config = it.config
    plan = compile_authentication(
        config.authentication, variables=config.variables, secrets=config.secrets
    )
    client = make_client(plan, it.secrets)
    begun = begin_authorization(client, redirect_uri=REDIRECT_URI)
    back = await agree(begun.url)
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


async def test_a_code_with_pkce_connects_and_rotating_refresh_tokens_go_on(provider):
    more = 'authorize_url = "{{BaseUrl}}/auth"\nextra = { prompt = "consent" }'
    scheme, scope = "oauth2-authorization-code", "openid offline_access"
    async with opened(provider, scheme, "with-code", scope=scope, more=more) as it:
        assert await it.outcome(NUMBERS[0]) == "sign-in-failed"
        await connect(it)
        assert await it.outcome(NUMBERS[0]) == PDFS[NUMBERS[0]]
        first = replace(await it.token_store.load(), expires_at=0.0)
    async with opened(provider, scheme, "with-code", scope=scope, more=more) as again:
        await again.token_store.save(first)
        assert await again.outcome(NUMBERS[1]) == PDFS[NUMBERS[1]]
        second = await again.token_store.load()
    assert second.refresh.reveal() != first.refresh.reveal()
    async with opened(provider, scheme, "with-code", scope=scope, more=more) as stolen:
        await stolen.token_store.save(first)
        assert await stolen.outcome(NUMBERS[1]) == "sign-in-failed"
