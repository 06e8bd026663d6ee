"""SOAP with MTOM against a service of gSOAP, built here: the PDF is a part of the response."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lab.invoices import DRAFT, NUMBERS, UNKNOWN, make_invoices
from lab.real.harness import open_integration

SOURCES = Path(__file__).parent / "programs" / "gsoap_service"
PDFS = {invoice.number: invoice.pdf for invoice in make_invoices() if not invoice.is_draft}
FILE = """
format = 1
[integration]
name = "Invoices of gSOAP"
variables = {{ BaseUrl = "https://soap.example.com" }}
[commands.GetInvoiceImage]
method = "POST"
url = "{{{{BaseUrl}}}}/"
headers = [["Content-Type", "text/xml; charset=utf-8"], ["SOAPAction", '""']]
body = '''
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>
<b:getInvoice xmlns:b="urn:erp"><number>{{{{InvoiceNumber}}}}</number></b:getInvoice>
</s:Body></s:Envelope>'''
repeatable = true
not_found_when = [{{ body_contains = "no such invoice" }}]
{more}
"""
BY_ELEMENT = 'answer = { base64 = { xpath = "//pdf" } }'
BY_CONDITION = """success_when = [{ xpath = "//number", exists = true }]
answer = { base64 = { xpath = "//pdf" } }"""


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Path:
    """Build the service, or skip where gSOAP and a compiler aren't installed."""
    missing = [each for each in ("soapcpp2", "gcc") if shutil.which(each) is None]
    if missing or not Path("/usr/include/stdsoap2.h").exists():
        pytest.skip("left out: the Debian packages gsoap, libgsoap-dev and gcc aren't installed")
    folder = tmp_path_factory.mktemp("gsoap")
    for source in SOURCES.iterdir():
        shutil.copy(source, folder)
    for command in (
        ["soapcpp2", "-c", "-S", "-L", "-x", "-I/usr/share/gsoap/import", "billing.h"],
        ["gcc", "-o", "service", "service.c", "soapC.c", "soapServer.c", "-lgsoap"],
    ):
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "pdfs").mkdir()
    for number, pdf in PDFS.items():
        (folder / "pdfs" / f"{number.encode().hex()}.pdf").write_bytes(pdf)
    return folder / "service"


@contextmanager
def serving(service: Path, mode: str) -> Iterator[str]:
    """Run the service, and give its origin."""
    command = [service, service.parent / "pdfs", mode]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        finally:
            process.kill()


@pytest.mark.parametrize(
    ("mode", "more"),
    [
        pytest.param("mtom", BY_ELEMENT, id="mtom"),
        pytest.param("mtom", BY_CONDITION, id="mtom-with-a-condition"),
        pytest.param("mtom", 'answer = { part = "application/pdf" }', id="mtom-part-by-type"),
        pytest.param("mtom", "answer = { part = 2 }", id="mtom-part-by-position"),
        pytest.param("mtom", "", id="mtom-by-default"),
        pytest.param("base64", BY_ELEMENT, id="without-mtom"),
    ],
)
async def test_a_service_of_gsoap(service, mode, more):
    with serving(service, mode) as origin:
        opened = open_integration(
            FILE.format(more=more), origin, variables={"BaseUrl": origin}, secrets={}
        )
        async with opened as integration:
            for number in NUMBERS:
                assert await integration.outcome(number) == PDFS[number], number
            for number in (UNKNOWN, DRAFT):
                assert await integration.outcome(number) == "document-not-found"
