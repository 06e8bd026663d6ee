"""Svea: SOAP gives a link; what is there is XML with a result code and the PDF in base 64."""

from __future__ import annotations

import base64
from typing import Any, ClassVar, Final
from xml.sax.saxutils import escape

from aiohttp import web
from lxml import etree

from lab.invoices import NUMBERS, Invoice
from lab.standin import FILES, Call, Refused, StandIn, fact, route, xml_answer
from lab.strict import Links

_SOAP: Final = "http://www.w3.org/2003/05/soap-envelope"
_ADDRESSING: Final = "http://www.w3.org/2005/08/addressing"
_SERVICE: Final = "http://tempuri.org/"
_DATA: Final = "http://schemas.datacontract.org/2004/07/DataObjects.Admin.Service"
_NAMES: Final = {"s": _SOAP, "a": _ADDRESSING, "t": _SERVICE, "d": _DATA}
_ORDER: Final = ["Authentication", "ClientId", "InvoiceId"]


class Svea(StandIn):
    preset = "svea"
    row = "Svea"
    secrets: ClassVar = {"Password": "p4ss<&Word>'\"7"}
    refused_outcome = "source-said-no"
    unknown_outcome = "source-said-no"
    draft_outcome = "document-not-found"
    quoting = "by Svea's own id: as text in XML"

    def __init__(self) -> None:
        super().__init__()
        self.links = Links()
        self.code_of_document = 0

    def tokens(self, number: str) -> dict[str, str]:
        invoice = self.find(number=number)
        identity = str(invoice.serial) if invoice else "1"
        return {"InvoiceNumber": number, "InvoiceId": identity}

    @route("POST", "/AdminService.svc/secure")
    def service(self, call: Call) -> web.Response:
        call.no_query()
        request = self._read(call)
        if request.findtext("d:Authentication/d:Username", namespaces=_NAMES) != "billhook":
            return _failed(20000, "another user")
        password = request.findtext("d:Authentication/d:Password", namespaces=_NAMES)
        if password != self.secrets["Password"]:
            return _failed(20001, "wrong password")
        if request.findtext("d:ClientId", namespaces=_NAMES) != "79021":
            return _failed(20002, "another client")
        serial = request.findtext("d:InvoiceId", namespaces=_NAMES) or ""
        invoice = self.find(serial=int(serial)) if serial.isdecimal() else None
        if invoice is None:
            return _failed(24000, "no such invoice")
        link = "" if invoice.is_draft else self._link(invoice)
        return _result(f"<d:ErrorMessage/><d:ResultCode>0</d:ResultCode>{_tag('PdfLink', link)}")

    def _read(self, call: Call) -> etree._Element:
        """Read the envelope as WCF does: by names in their namespaces, in their order."""
        kind, _, rest = call.header("Content-Type", status=415).partition(";")
        if kind != "application/soap+xml" or "utf-8" not in rest:
            raise Refused(415, "it isn't SOAP 1.2 in UTF-8")
        envelope = etree.fromstring(call.body)
        action = f"{_SERVICE}IAdminService/GetInvoicePdfLink"
        if envelope.findtext("s:Header/a:Action", namespaces=_NAMES) != action:
            raise Refused(500, "ActionNotSupported", content_type="application/soap+xml")
        if envelope.findtext("s:Header/a:To", namespaces=_NAMES) != f"{self.api}{call.raw_path}":
            raise Refused(500, "the message is to another", content_type="application/soap+xml")
        request = envelope.find("s:Body/t:GetInvoicePdfLink/t:request", namespaces=_NAMES)
        if request is None or [etree.QName(each).localname for each in request] != _ORDER:
            raise Refused(500, "DeserializationFailed", content_type="application/soap+xml")
        return request

    def _link(self, invoice: Invoice) -> str:
        content = base64.encodebytes(invoice.pdf).decode()
        xml = (
            '<GetInvoicePdfResponse xmlns="http://schemas.svea.example/pdf">'
            f"<ResultCode>{self.code_of_document}</ResultCode>"
            f"{'' if self.code_of_document else f'<Pdf>{content}</Pdf>'}</GetInvoicePdfResponse>"
        )
        return self.links.make(self.files, xml.encode())

    @route("GET", "/{key:*}", site=FILES)
    def document(self, call: Call, key: str) -> web.Response:
        return xml_answer(self.links.take(call).decode(), content_type="application/xml")

    @fact("The link is followed once, without user name and password; its XML contains the PDF.")
    async def follows_the_link(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        assert [call.site for call in self.calls] == ["api", FILES]
        assert self.refusals == []

    @fact("A result code other than 0 behind the link is a failure, whatever the status says.")
    async def reads_the_result_code(self, world: Any) -> None:
        self.code_of_document = 5
        assert await world.outcome(NUMBERS[0]) == "source-said-no"

    @fact("An id that contains XML stays text.")
    async def keeps_the_envelope_whole(self, world: Any) -> None:
        injected = "48211</d:InvoiceId><d:InvoiceId>48218"
        assert await world.outcome(NUMBERS[0], InvoiceId=injected) == "source-said-no"
        assert self.refusals == []


def _tag(name: str, text: str) -> str:
    return f"<d:{name}>{escape(text)}</d:{name}>" if text else f"<d:{name}/>"


def _failed(code: int, why: str) -> web.Response:
    return _result(f"{_tag('ErrorMessage', why)}{_tag('ResultCode', str(code))}")


def _result(inside: str) -> web.Response:
    return xml_answer(
        f'<s:Envelope xmlns:s="{_SOAP}"><s:Body>'
        f'<GetInvoicePdfLinkResponse xmlns="{_SERVICE}"><GetInvoicePdfLinkResult xmlns:d="{_DATA}">'
        f"{inside}</GetInvoicePdfLinkResult></GetInvoicePdfLinkResponse></s:Body></s:Envelope>",
        content_type="application/soap+xml",
    )
