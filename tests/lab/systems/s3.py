"""An S3 bucket: a request signed with Signature 4, over keys that are hard to sign."""

from __future__ import annotations

from typing import Any, ClassVar

from aiohttp import web

from lab.standin import Call, Refused, StandIn, fact, pdf_answer, route
from lab.strict import check_sigv4


def _error(code: str, message: str) -> bytes:
    inside = f"<Code>{code}</Code><Message>{message}</Message>"
    return f"<?xml version='1.0'?><Error>{inside}</Error>".encode()


class S3Bucket(StandIn):
    preset = "s3"
    row = "S3 object / presigned"
    secrets: ClassVar = {
        "AccessKeyId": "AKIAIOSFODNN7EXAMPLE",
        "SecretAccessKey": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }
    quoting = "in the object's key, signed"

    def __init__(self) -> None:
        super().__init__()
        self.has_bucket = True

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
        if not self.has_bucket:
            body = _error("NoSuchBucket", "The specified bucket does not exist")
            raise Refused(404, "no such bucket", body=body, content_type="application/xml")
        number = key.removeprefix("invoices/").removesuffix(".pdf")
        invoice = self.find(number=number)
        if invoice is None or invoice.is_draft or key != f"invoices/{number}.pdf":
            body = _error("NoSuchKey", "The specified key does not exist.")
            raise Refused(404, "no such key", body=body, content_type="application/xml")
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

    @fact("A bucket that doesn't exist is a failure, in the store's own words.")
    async def tells_a_bucket_from_a_key(self, world: Any) -> None:
        self.has_bucket = False
        assert await world.outcome("INV0000001") == "source-status"
        assert await world.reason("INV0000001") == "The specified bucket does not exist"
