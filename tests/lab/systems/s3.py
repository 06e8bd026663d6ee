"""An S3 bucket: a request signed with Signature 4, over keys that are hard to sign."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.standin import Call, Refused, StandIn, fact, pdf_answer, route
from lab.strict import check_sigv4

_NO_KEY = b"<?xml version='1.0'?><Error><Code>NoSuchKey</Code></Error>"


class S3Bucket(StandIn):
    preset = "s3"
    row = "S3 object / presigned"
    secrets: ClassVar = {
        "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }
    quoting = "in the object's key, signed"

    def variables(self) -> dict[str, str]:
        return {"BaseUrl": f"{self.api}/invoices", "Region": "eu-central-1"}

    @route("GET", "/{key:*}")
    def get_object(self, call: Call, key: str) -> web.Response:
        check_sigv4(
            call,
            host=self.api.removeprefix("http://"),
            access_key=self.secrets["AccessKeyId"],
            secret_key=self.secrets["SecretAccessKey"],
            region="eu-central-1",
            service="s3",
        )
        number = key.removeprefix("invoices/").removesuffix(".pdf")
        invoice = self.find(number=number)
        if invoice is None or invoice.is_draft or key != f"invoices/{number}.pdf":
            raise Refused(404, "no such key", body=_NO_KEY, content_type="application/xml")
        return pdf_answer(invoice.pdf, headers={"ETag": f'"{invoice.key}"'})

    @fact("The signed bytes are the bytes sent, for every character in a key.")
    async def signs_what_is_sent(self, world: Any) -> None:
        wanted = {
            "INV/2024/0001": "/invoices/INV/2024/0001.pdf",
            "x y": "/invoices/x%20y.pdf",
            "a+b": "/invoices/a%2Bb.pdf",
            "Ñ-100%": "/invoices/%C3%91-100%25.pdf",
            "A&B=C": "/invoices/A%26B%3DC.pdf",
        }
        for number in wanted:
            await world.fetch_right(number)
        assert [call.target for call in self.calls] == list(wanted.values())
