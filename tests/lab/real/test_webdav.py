"""An integration of a few lines against a WebDAV server that is not ours: WsgiDAV."""

from __future__ import annotations

from contextlib import contextmanager

from wsgidav.wsgidav_app import WsgiDAVApp

from lab.invoices import DRAFT, NUMBERS, UNKNOWN, make_invoices
from lab.real.harness import open_integration, serve_wsgi

PASSWORD = "p4ss-Word:7"
FOLDER = """
format = 1
[integration]
name = "A folder of invoices"
variables = { BaseUrl = "https://dav.example.com", User = "billhook" }
secrets = ["Password"]
[authentication]
scheme = "basic"
username = "{{User}}"
password = "{{Password}}"
[commands.GetInvoiceImage]
url = "{{BaseUrl}}/{{InvoiceNumber}}.pdf"
"""


@contextmanager
def serve_folder(folder):
    """Fill *folder*, in which the draft is a folder, too, and serve it to one user."""
    for invoice in make_invoices():
        path = folder / f"{invoice.number}.pdf"
        if invoice.is_draft:
            path.mkdir()
            continue
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(invoice.pdf)
    app = WsgiDAVApp(
        {
            "provider_mapping": {"/": {"root": str(folder), "readonly": True}},
            "simple_dc": {"user_mapping": {"*": {"billhook": {"password": PASSWORD}}}},
            "http_authenticator": {
                "accept_basic": True,
                "accept_digest": False,
                "default_to_digest": False,
            },
            "logging": {"enable": False},
            "verbose": 0,
        }
    )
    with serve_wsgi(app) as origin:
        yield origin


async def outcomes(origin, *numbers, password=PASSWORD):
    variables = {"BaseUrl": origin}
    secrets = {"Password": password}
    async with open_integration(FOLDER, origin, variables=variables, secrets=secrets) as opened:
        return [await opened.outcome(number) for number in numbers]


async def test_a_webdav_server_returns_the_file_for_every_number(tmp_path):
    pdfs = {invoice.number: invoice.pdf for invoice in make_invoices()}
    with serve_folder(tmp_path) as origin:
        assert await outcomes(origin, *NUMBERS) == [pdfs[number] for number in NUMBERS]


async def test_a_missing_file_on_a_webdav_server_is_reported_as_not_found(tmp_path):
    with serve_folder(tmp_path) as origin:
        assert await outcomes(origin, UNKNOWN) == ["document-not-found"]


async def test_a_number_that_leads_out_of_the_folder_is_not_even_sent(tmp_path):
    with serve_folder(tmp_path) as origin:
        assert await outcomes(origin, "../INV0000001", "a/../../etc/passwd") == ["token"] * 2


async def test_a_folder_listing_is_not_a_document(tmp_path):
    with serve_folder(tmp_path) as origin:
        assert await outcomes(origin, DRAFT) == ["web-page-instead"]


async def test_a_webdav_server_refuses_a_wrong_password(tmp_path):
    with serve_folder(tmp_path) as origin:
        refused = await outcomes(origin, NUMBERS[0], password=f"{PASSWORD}~")
    assert refused == ["source-refused"]
