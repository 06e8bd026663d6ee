"""SOAP in both versions against a server that is not ours: soapbar's, which checks the schema."""

from __future__ import annotations

import pytest
from soapbar import (
    SoapApplication,
    SoapFault,
    SoapService,
    SoapVersion,
    WsgiSoapApp,
    soap_operation,
)
from soapbar.core.wssecurity import UsernameTokenValidator

from lab.invoices import DRAFT, NUMBERS, UNKNOWN, make_invoices
from lab.real.harness import open_integration, serve_wsgi

PDFS = {invoice.number: invoice.pdf for invoice in make_invoices() if not invoice.is_draft}
PASSWORD = "p4ss<&Word>'\"7"
NAMESPACES = {
    SoapVersion.SOAP_11: "http://schemas.xmlsoap.org/soap/envelope/",
    SoapVersion.SOAP_12: "http://www.w3.org/2003/05/soap-envelope",
}
HEADERS = {
    SoapVersion.SOAP_11: '["Content-Type", "text/xml"], ["SOAPAction", "getInvoice"]',
    SoapVersion.SOAP_12: '["Content-Type", "application/soap+xml; charset=utf-8"]',
}
FILE = """
format = 1
[integration]
name = "Invoices by SOAP"
variables = {{ BaseUrl = "https://soap.example.com", User = "billhook" }}
secrets = ["Password"]
[commands.GetInvoiceImage]
method = "POST"
url = "{{{{BaseUrl}}}}/soap"
headers = [{headers}]
body = '''
<s:Envelope xmlns:s="{namespace}">
  <s:Header>
    <w:Security xmlns:w="http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd">
      <w:UsernameToken>
        <w:Username>{{{{User}}}}</w:Username>
        <w:Password>{{{{Password}}}}</w:Password>
      </w:UsernameToken>
    </w:Security>
  </s:Header>
  <s:Body>
    <getInvoice xmlns="http://invoices.example/">
      <number xmlns="">{{{{InvoiceNumber}}}}</number>
    </getInvoice>
  </s:Body>
</s:Envelope>'''
repeatable = true
not_found_when = [{{ body_contains = "no such invoice" }}]
success_when = [{{ xpath = "//*[local-name()='Fault']", exists = false }}]
answer = {{ base64 = {{ xpath = "//*[local-name()='return']" }} }}
"""


class Passwords(UsernameTokenValidator):
    def get_password(self, username):
        return PASSWORD if username == "billhook" else None


def make_app(version):
    class Invoices(SoapService):
        __service_name__ = "Invoices"
        __tns__ = "http://invoices.example/"
        __soap_version__ = version

        @soap_operation(soap_action="getInvoice")
        def getInvoice(self, number: str) -> bytes:  # noqa: N802 - as it is called on the wire
            if number == DRAFT:
                return b""
            if number not in PDFS:
                raise SoapFault("Client", "there is no such invoice")
            return PDFS[number]

    app = SoapApplication(
        service_url="https://soap.example.com/soap",
        security_validator=Passwords(),
        allow_plaintext_credentials=True,
        validate_body_schema=True,
    )
    app.register(Invoices())
    return WsgiSoapApp(app)


async def outcomes(version, *numbers, password=PASSWORD):
    text = FILE.format(headers=HEADERS[version], namespace=NAMESPACES[version])
    with serve_wsgi(make_app(version)) as origin:
        variables, secrets = {"BaseUrl": origin}, {"Password": password}
        async with open_integration(text, origin, variables=variables, secrets=secrets) as it:
            return [await it.outcome(number) for number in numbers]


each_version = pytest.mark.parametrize("version", list(NAMESPACES), ids=["1.1", "1.2"])


@each_version
async def test_a_soap_server_reads_every_number_and_returns_its_document(version):
    assert await outcomes(version, *NUMBERS) == [PDFS[number] for number in NUMBERS]


@each_version
async def test_a_fault_and_an_empty_element_are_reported_as_not_found(version):
    assert await outcomes(version, UNKNOWN, DRAFT) == ["document-not-found"] * 2


@each_version
async def test_xml_in_a_number_stays_a_number(version):
    number = "</number><number>INV0000001"
    assert await outcomes(version, number) == ["document-not-found"]


@each_version
async def test_a_wrong_password_is_reported_in_the_words_of_the_source(version):
    refused = await outcomes(version, NUMBERS[0], password=f"{PASSWORD}~")
    assert refused == ["source-status"]
