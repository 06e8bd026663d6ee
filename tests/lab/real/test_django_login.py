"""A login form with a hidden CSRF field, of a site made with Django: its session is in a cookie."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import pytest

from billhook.engine.integration_file.presets import preset_text
from lab.invoices import UNKNOWN, make_invoices
from lab.real.django_site import PASSWORD, USER
from lab.real.harness import open_integration

FORM = """
format = 1
[integration]
name = "A site with a login form"
variables = { BaseUrl = "https://billing.example.com", User = "someone" }
secrets = ["Password"]

[authentication]
scheme = "session"
cookies = true

[[authentication.requests]]
url = "{{BaseUrl}}/accounts/login/"
extract = { Csrf = { regex = 'name="csrfmiddlewaretoken" value="([^"]+)"' } }

[[authentication.requests]]
method = "POST"
url = "{{BaseUrl}}/accounts/login/"
headers = [["Content-Type", "application/x-www-form-urlencoded"]]
body = "csrfmiddlewaretoken={{Session.Csrf}}&username={{User}}&password={{Password}}"
%s
[commands.GetInvoiceImage]
url = "{{BaseUrl}}/documents/{{InvoiceNumber}}.pdf"
"""
SUCCESS = 'success_when = [{ cookie = "sessionid", exists = true }]'
INVOICES = {invoice.number: invoice for invoice in make_invoices() if not invoice.is_draft}


@contextmanager
def serve_site(folder: Path) -> Iterator[str]:
    """Run the site in a process of its own, since this one has Django's settings of the portal."""
    for invoice in INVOICES.values():
        path = folder / f"{invoice.number}.pdf"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(invoice.pdf)
    command = [sys.executable, str(Path(__file__).parent / "django_site.py"), str(folder)]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, text=True
    ) as site:
        assert site.stdout is not None
        assert site.stdin is not None
        try:
            yield site.stdout.readline().strip()
        finally:
            site.stdin.close()


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serve_site(tmp_path_factory.mktemp("django")) as origin:
        yield origin


def end_sessions(site: str) -> bytes:
    with urlopen(f"{site}/end-sessions/") as response:
        return response.read()


def opened(site: str, text: str = FORM % "", password: str = PASSWORD):
    return open_integration(
        text, site, variables={"BaseUrl": site, "User": USER}, secrets={"Password": password}
    )


async def test_documents_behind_a_login_form_are_fetched_with_its_session(site: str):
    async with opened(site) as integration:
        for number, invoice in INVOICES.items():
            assert await integration.outcome(number) == invoice.pdf
        assert await integration.outcome(UNKNOWN) == "document-not-found"


async def test_a_session_that_the_site_has_ended_is_opened_again(site: str):
    number, invoice = next(iter(INVOICES.items()))
    async with opened(site) as integration:
        assert await integration.outcome(number) == invoice.pdf
        assert await asyncio.to_thread(end_sessions, site) == b"ended"
        assert await integration.outcome(number) == invoice.pdf


@pytest.mark.parametrize(
    "text", [pytest.param(FORM % "", id="plain"), pytest.param(FORM % SUCCESS, id="condition")]
)
async def test_a_wrong_password_is_reported_as_failed_authentication(site: str, text: str):
    async with opened(site, text, password="wrong") as integration:
        assert await integration.outcome(next(iter(INVOICES))) == "sign-in-failed"


async def test_the_preset_of_a_login_form_fetches_every_document(site):
    variables, secrets = {"BaseUrl": site, "User": USER}, {"Password": PASSWORD}
    text = preset_text("login-form")
    async with open_integration(text, site, variables=variables, secrets=secrets) as it:
        found = [await it.outcome(number) for number in INVOICES]
    assert found == [invoice.pdf for invoice in INVOICES.values()]
