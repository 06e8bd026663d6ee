"""NetSuite: every request signed with OAuth 1.0a; a SuiteQL query, then a RESTlet's base 64."""

from __future__ import annotations

import base64
import re
from typing import Any, ClassVar, Final

from aiohttp import web

from lab.invoices import NUMBERS
from lab.standin import Call, Refused, StandIn, fact, json_answer, route
from lab.strict import check_oauth1

_QUERY: Final = re.compile(
    r"SELECT id FROM transaction WHERE type = 'CustInvc' AND tranid = '((?:[^']|'')*)'"
)


class NetSuite(StandIn):
    preset = "netsuite"
    row = "NetSuite"
    secrets: ClassVar = {
        "ConsumerKey": "c2f4a6b8d0e1",
        "ConsumerSecret": "9b1d3f&5a7c",
        "TokenId": "7e5c3a1b9d8f",
        "TokenSecret": "4d6f8b=2c4e",
    }
    quoting = "as an SQL literal inside a JSON string: ' is doubled"

    def __init__(self) -> None:
        super().__init__()
        self.nonces: set[str] = set()
        self.in_lines = False

    def variables(self) -> dict[str, str]:
        return {"Account": "1234567_SB1", "QueryUrl": self.api, "RestletUrl": self.api}

    @route("POST", "/services/rest/query/v1/suiteql")
    def suiteql(self, call: Call) -> web.Response:
        self._check(call)
        call.needs("Prefer", "transient")
        limit = int(call.query("limit")["limit"])
        asked = call.json()
        literal = _QUERY.fullmatch(asked["q"])
        if set(asked) != {"q"} or literal is None:
            raise Refused(400, "the query can't be read")
        number = literal[1].replace("''", "'")
        found = [each for each in self.invoices if each.number == number][:limit]
        items = [{"links": [], "id": str(each.serial)} for each in found]
        return json_answer({"links": [], "count": len(items), "hasMore": False, "items": items})

    @route("GET", "/app/site/hosting/restlet.nl")
    def restlet(self, call: Call) -> web.Response:
        self._check(call)
        call.needs("Content-Type", "application/json", status=415)
        query = call.query("script", "deploy", "id")
        if (query["script"], query["deploy"]) != ("512", "1"):
            raise Refused(
                404, "no such script", data={"error": {"code": "SSS_INVALID_SCRIPTLET_ID"}}
            )
        invoice = self.get(serial=int(query["id"]))
        encode = base64.encodebytes if self.in_lines else base64.b64encode
        content = None if invoice.is_draft else encode(invoice.pdf).decode()
        return json_answer({"name": f"Invoice_{invoice.serial}.pdf", "content": content})

    def _check(self, call: Call) -> None:
        check_oauth1(
            call,
            origin=self.api,
            consumer=(self.secrets["ConsumerKey"], self.secrets["ConsumerSecret"]),
            token=(self.secrets["TokenId"], self.secrets["TokenSecret"]),
            realm="1234567_SB1",
            seen=self.nonces,
        )

    @fact("Each request has its own signature and nonce.")
    async def signs_each_request(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        await world.fetch_right(NUMBERS[0])
        assert len(self.calls) == len(self.nonces) == 4

    @fact("A quote in the number is doubled inside the query, and can't end it.")
    async def doubles_quotes(self, world: Any) -> None:
        await world.fetch_right('O\'Brien "7"')
        assert await world.outcome("' OR tranid = 'INV0000001") == "document-not-found"
        assert self.refusals == []

    @fact("Base64 in lines is accepted.")
    async def reads_lines(self, world: Any) -> None:
        self.in_lines = True
        await world.fetch_right(NUMBERS[2])
