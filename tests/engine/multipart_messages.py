"""Responses of several parts as SOAP servers and others send them, for tests."""

from __future__ import annotations

import base64

from billhook.engine.testing import Scripted, make_response

XOP = "http://www.w3.org/2004/08/xop/include"


def joined(boundary: str, *parts: tuple[list[str], bytes], line: str = "\r\n") -> bytes:
    """Return the body with these parts, each a list of headers and its bytes."""
    end = line.encode()
    body = b""
    for headers, data in parts:
        head = "".join(f"{each}{line}" for each in headers)
        body += f"--{boundary}{line}{head}{line}".encode() + data + end
    return body + f"--{boundary}--{line}".encode()


def respond(body: bytes, content_type: str) -> Scripted:
    """Return a response with *body*."""
    return make_response(body, headers=[("Content-Type", content_type)])


def of_wcf(pdf: bytes) -> Scripted:
    """Return what .NET's WCF sends with MTOM: ids that are URLs, percent-encoded in the address."""
    envelope = f"""<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>\
<GetInvoiceResponse xmlns="http://tempuri.org/"><GetInvoiceResult>\
<xop:Include href="cid:http%3A%2F%2Ftempuri.org%2F1%2F634618782531246992" xmlns:xop="{XOP}"/>\
</GetInvoiceResult></GetInvoiceResponse></s:Body></s:Envelope>"""
    body = joined(
        "uuid:8a0f8d14-5b3f+id=1",
        (
            [
                "Content-ID: <http://tempuri.org/0>",
                "Content-Transfer-Encoding: 8bit",
                'Content-Type: application/xop+xml;charset=utf-8;type="text/xml"',
            ],
            envelope.encode(),
        ),
        (
            [
                "Content-ID: <http://tempuri.org/1/634618782531246992>",
                "Content-Transfer-Encoding: binary",
                "Content-Type: application/octet-stream",
            ],
            pdf,
        ),
    )
    return respond(
        b"\r\n" + body,
        'multipart/related; type="application/xop+xml";start="<http://tempuri.org/0>";'
        'boundary="uuid:8a0f8d14-5b3f+id=1";start-info="text/xml"',
    )


def of_cxf(pdf: bytes) -> Scripted:
    """Return what Apache CXF sends with MTOM: SOAP 1.2, the root part not the first one."""
    envelope = f"""<?xml version='1.0' encoding='UTF-8'?>
<soap:Envelope xmlns:soap="http://www.w3.org/2003/05/soap-envelope"><soap:Body>\
<ns2:getInvoiceResponse xmlns:ns2="http://erp.example/"><return><number>INV-7</number>\
<content><xop:Include xmlns:xop="{XOP}" \
href="cid:5aeaa450-17f0-4484-b845-a8480c363444-1@urn%3Aorg.apache.cxf"/></content></return>\
</ns2:getInvoiceResponse></soap:Body></soap:Envelope>"""
    body = joined(
        "uuid:0ca0e16e-feb1-426c-97d8-c4508ada5e82",
        (
            [
                "Content-Type: application/pdf",
                "Content-Transfer-Encoding: binary",
                "Content-ID: <5aeaa450-17f0-4484-b845-a8480c363444-1@urn:org.apache.cxf>",
                'Content-Disposition: attachment;name="INV-7.pdf"',
            ],
            pdf,
        ),
        (
            [
                'Content-Type: application/xop+xml; charset=UTF-8; type="application/soap+xml"',
                "Content-Transfer-Encoding: binary",
                "Content-ID: <root.message@cxf.apache.org>",
            ],
            envelope.encode(),
        ),
    )
    return respond(
        body,
        'multipart/related; type="application/xop+xml"; '
        'boundary="uuid:0ca0e16e-feb1-426c-97d8-c4508ada5e82"; '
        'start="<root.message@cxf.apache.org>"; start-info="application/soap+xml"',
    )


def of_sap(pdf: bytes) -> Scripted:
    """Return what SAP sends: SOAP with attachments, its reference an attribute, in base 64."""
    envelope = """<?xml version="1.0" encoding="iso-8859-1"?>\
<SOAP:Envelope xmlns:SOAP="http://schemas.xmlsoap.org/soap/envelope/"><SOAP:Body>\
<n0:ZGetInvoiceResponse xmlns:n0="urn:sap-com:document:sap:rfc:functions">\
<Kunde>Müller</Kunde><Document href="cid:payload-42142d48dd4e81@sap.com"/>\
</n0:ZGetInvoiceResponse></SOAP:Body></SOAP:Envelope>"""
    body = joined(
        "SAP_BOUNDARY_0000000012",
        (
            [
                "Content-ID: <soap-42142d48dd4e81@sap.com>",
                'Content-Disposition: attachment;filename="soap-42142d48dd4e81@sap.com.xml"',
                "Content-Type: text/xml",
                "Content-Description: SOAP",
            ],
            envelope.encode("iso-8859-1"),
        ),
        (
            [
                "Content-ID:",
                "\t<payload-42142d48dd4e81@sap.com>",
                "Content-Type: application/pdf;",
                "  name=invoice.pdf",
                "Content-Transfer-Encoding: BASE64",
            ],
            base64.encodebytes(pdf),
        ),
    )
    return respond(
        body,
        'multipart/related; boundary=SAP_BOUNDARY_0000000012; type="text/xml"; '
        'start="<soap-42142d48dd4e81@sap.com>"',
    )


def of_json_and_pdf(pdf: bytes, *more: tuple[list[str], bytes]) -> Scripted:
    """Return multipart/mixed with JSON about the invoice, and its PDF."""
    body = joined(
        "b1",
        (["Content-Type: application/json"], b'{"id": 7, "status": "ready", "file": "cid:doc"}'),
        (["content-type: APPLICATION/PDF; name=a.pdf", "content-id: doc"], pdf),
        *more,
        line="\n",
    )
    return respond(body, "multipart/mixed; boundary=b1")
