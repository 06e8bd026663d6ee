"""Sage Intacct: XML to one address, a session inside it, and the PDF in base 64 inside XML."""

from __future__ import annotations

import base64
import secrets
from typing import Any, ClassVar, Final
from xml.sax.saxutils import escape

from aiohttp import web
from lxml import etree

from lab.invoices import NUMBERS, Invoice
from lab.standin import Call, Refused, StandIn, fact, route, xml_answer

_GATEWAY: Final = "/ia/xml/xmlgw.phtml"
_TYPES: Final = {"application/xml", "x-intacct-xml-request"}


class SageIntacct(StandIn):
    preset = "sage-intacct"
    row = "Sage Intacct"
    secrets: ClassVar = {"SenderPassword": "s3nd&r<Pass", "UserPassword": 'u5er"Pass'}
    quoting = "as text in XML"

    def __init__(self) -> None:
        super().__init__()
        self.sessions: set[str] = set()
        self.opened = 0
        self.renumbered = 0
        self.declares_entities = False

    @route("POST", _GATEWAY, sign_in=True)
    def gateway(self, call: Call) -> web.Response:
        call.no_query()
        if call.header("Content-Type", status=415).partition(";")[0] not in _TYPES:
            raise Refused(415, "the Content-Type isn't XML")
        request = _parse(call.body)
        try:
            self._check_control(request)
            if request.find("operation/content/function/getAPISession") is not None:
                return self._open_session(request)
            return self._answer(request)
        except Refused as refused:
            if refused.status != 200:
                raise
            self.refusals.append(refused.why)
            return refused.answer()

    def _check_control(self, request: Any) -> None:
        control = {each.tag: each.text for each in request.find("control")}
        wanted = {
            "senderid": "AcmeMPP",
            "password": self.secrets["SenderPassword"],
            "dtdversion": "3.0",
        }
        for name, value in wanted.items():
            if control.get(name) != value:
                raise _failed("control", "XL03000006", f"{name} is another")
        if not control.get("controlid") or len(request.findall("operation/content/function")) != 1:
            raise _failed("control", "XL03000003", "no controlid, or not one function")

    def _open_session(self, request: Any) -> web.Response:
        login = request.find("operation/authentication/login")
        given = {} if login is None else {each.tag: each.text for each in login}
        wanted = {
            "userid": "billhook",
            "companyid": "ACME",
            "password": self.secrets["UserPassword"],
        }
        if given != wanted:
            raise _failed("authentication", "XL03000006", "Sign-in information is incorrect")
        session = f"{secrets.token_urlsafe(24)}.."
        self.sessions.add(session)
        self.opened += 1
        api = (
            f"<api><sessionid>{session}</sessionid><endpoint>{self.api}{_GATEWAY}</endpoint></api>"
        )
        return self._result("getAPISession", f"<data>{api}</data>")

    def _answer(self, request: Any) -> web.Response:
        if request.findtext("operation/authentication/sessionid") not in self.sessions:
            raise _failed("authentication", "XL03000006", "the session is missing or has ended")
        if self.is_failing:
            raise Refused(500, "internal", body=b"<response/>", content_type="text/xml")
        function = request.find("operation/content/function")[0]
        if function.tag == "query":
            return self._query(function)
        if function.tag == "retrievepdf":
            return self._retrieve(function)
        raise _failed("result", "XL03000009", f"unknown function {function.tag}")

    def _query(self, function: Any) -> web.Response:
        if [each.tag for each in function] != ["object", "select", "filter", "pagesize"]:
            raise _failed("result", "DL02000001", "the query's elements are others, or in disorder")
        equal = function.find("filter/equalto")
        if function.findtext("object") != "ARINVOICE" or equal.findtext("field") != "RECORDID":
            raise _failed("result", "DL02000001", "another object or field")
        number = equal.findtext("value")
        rows = "".join(self._row(each) for each in self.invoices if each.number == number)
        return self._result("query", f'<data listtype="ARINVOICE">{rows}</data>')

    def _row(self, invoice: Invoice) -> str:
        state = "Draft" if invoice.is_draft else "Posted"
        record = invoice.serial + self.renumbered
        return f"<ARINVOICE><RECORDNO>{record}</RECORDNO><STATE>{state}</STATE></ARINVOICE>"

    def _retrieve(self, function: Any) -> web.Response:
        record = function.findtext("ARINVOICE/RECORDNO")
        invoice = self.find(serial=int(record) - self.renumbered)
        if invoice is None or invoice.is_draft:
            raise _failed("result", "BL03000018", "there is no such invoice, or it is a draft")
        data = base64.encodebytes(invoice.pdf).decode()
        return self._result(
            "retrievepdf", f"<data><ARINVOICE><pdfdata>{data}</pdfdata></ARINVOICE></data>"
        )

    def _result(self, function: str, data: str) -> web.Response:
        result = (
            f"<result><status>success</status><function>{function}</function>"
            f"<controlid>x</controlid>{data}</result>"
        )
        return xml_answer(_envelope("success", result, entities=self.declares_entities))

    @fact("A number that looks like markup stays text.")
    async def escapes_markup(self, world: Any) -> None:
        number = "</value></equalto><pagesize>9</pagesize>&amp;"
        assert await world.outcome(number) == "document-not-found"
        sent = _parse(self.calls[-1].body)
        assert sent.findtext(".//equalto/value") == number

    @fact("A password with < and & arrives as it is, and no DOCTYPE is sent.")
    async def sends_passwords_whole(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        assert all(b"s3nd&amp;r&lt;Pass" in call.body for call in self.calls)
        assert not any(b"<!DOCTYPE" in call.body for call in self.calls)

    @fact("All runs share one session, and it is opened again when it has ended.")
    async def renews_the_session(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        await world.fetch_right(NUMBERS[1])
        assert self.opened == 1
        self.sessions.clear()
        await world.fetch_right(NUMBERS[2])
        assert self.opened == 2

    @fact("The record number is looked up each time, so a new one does no harm.")
    async def looks_up_each_time(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.renumbered = 1_000_000
        await world.fetch_right(NUMBERS[0])

    @fact("A response that declares entities is refused, and none is expanded.")
    async def refuses_entities(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.declares_entities = True
        assert await world.outcome(NUMBERS[0]) == "source-said-no"


def _parse(body: bytes) -> Any:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Refused(400, "there is a DOCTYPE")
    if not body.startswith(b"<?xml "):
        raise Refused(400, "the XML doesn't begin with its declaration")
    try:
        return etree.fromstring(body, etree.XMLParser(resolve_entities=False, no_network=True))
    except etree.XMLSyntaxError:
        raise Refused(400, "the body isn't well-formed XML") from None


def _envelope(authentication: str, inside: str, *, entities: bool = False) -> str:
    doctype = '<!DOCTYPE response [<!ENTITY e "success">]>' if entities else ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{doctype}<response>'
        "<control><status>success</status></control>"
        f"<operation><authentication><status>{authentication}</status></authentication>"
        f"{inside}</operation></response>"
    )


def _failed(place: str, code: str, why: str) -> Refused:
    """Return a failure as Sage Intacct reports it: with status 200, inside the XML."""
    error = (
        "<errormessage><error>"
        f"<errorno>{code}</errorno><description2>{escape(why)}</description2>"
        "</error></errormessage>"
    )
    if place == "control":
        text = f"<response><control><status>failure</status></control>{error}</response>"
    elif place == "authentication":
        text = _envelope("failure", error)
    else:
        text = _envelope("success", f"<result><status>failure</status>{error}</result>")
    return Refused(200, why, body=text.encode(), content_type="text/xml; charset=UTF-8")
