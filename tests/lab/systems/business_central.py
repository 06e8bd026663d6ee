"""Business Central: OAuth 2 for the application, an OData filter, and a link under an odd key."""

from __future__ import annotations

import re
from typing import Any, ClassVar, Final

from aiohttp import web

from billhook.engine.testing import make_pdf
from lab.invoices import NUMBERS, Invoice
from lab.standin import FILES, Call, Refused, StandIn, fact, json_answer, pdf_answer, route
from lab.strict import Links, OAuthServer

_TENANT: Final = "0f2c3d4e-5a6b-4c7d-8e9f-0a1b2c3d4e5f"
_COMPANY: Final = "52e03390-bde4-ea11-bbf2-00155df3a615"
_ROOT: Final = "/v2.0/{tenant}/{environment}/api/v2.0/companies({company})/salesInvoices"
_LINK: Final = "pdfDocumentContent@odata.mediaReadLink"


class BusinessCentral(StandIn):
    preset = "business-central"
    row = "Business Central"
    secrets: ClassVar = {"ClientSecret": "q8Q~7c0P2mK5vX9rT1sW4yZ6bN3dF"}
    optional: ClassVar = {
        "Accept-Language": "without it the document comes in the company's language"
    }
    quoting = "as an OData literal: ' is doubled, then percent-encoded"

    def __init__(self) -> None:
        super().__init__()
        self.oauth = OAuthServer(
            client_id="9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d",
            client_secret=self.secrets["ClientSecret"],
            client_auth="body",
            scope="https://api.businesscentral.dynamics.com/.default",
        )
        self.links = Links()
        self.leads_elsewhere = False
        self.language = ""

    def variables(self) -> dict[str, str]:
        return {
            "BaseUrl": self.api,
            "SignInUrl": self.api,
            "TenantId": _TENANT,
            "CompanyId": _COMPANY,
            "ClientId": self.oauth.client_id,
            "Language": "de-DE",
        }

    def secret_texts(self) -> Any:
        yield from super().secret_texts()
        yield from self.oauth.access

    def expected(self, invoice: Invoice) -> bytes:
        return self._document(invoice, "de-DE")

    @route("POST", "/{tenant}/oauth2/v2.0/token", sign_in=True)
    def token(self, call: Call, tenant: str) -> web.Response:
        if tenant != _TENANT:
            raise Refused(400, "another tenant", data={"error": "invalid_request"})
        return self.oauth.token(call, "client_credentials")

    @route("GET", _ROOT)
    def list_invoices(self, call: Call, **place: str) -> web.Response:
        self._check(call, **place)
        query = call.query("$filter", optional=("$select",))
        literal = re.fullmatch(r"number eq '((?:[^']|'')*)'", query["$filter"])
        if literal is None:
            raise Refused(400, "the filter can't be read", data={"error": {"code": "BadRequest"}})
        number = literal[1].replace("''", "'")
        rows = [self._row(each, query) for each in self.invoices if each.number == number]
        return json_answer({"@odata.context": f"{self.api}/$metadata", "value": rows})

    @route("GET", f"{_ROOT}({{identity}})/pdfDocument")
    def pdf_document(self, call: Call, identity: str, **place: str) -> web.Response:
        self._check(call, **place)
        call.no_query()
        invoice = self.get(uuid=identity)
        self.language = call.headers.get("Accept-Language", "en-US")
        response = {"id": identity, "parentId": identity, "parentType": "Sales Invoice"}
        if not invoice.is_draft:
            response[_LINK] = self._link(call, invoice)
        return json_answer(response)

    @route("GET", f"{_ROOT}({{identity}})/pdfDocument/pdfDocumentContent")
    def content(self, call: Call, identity: str, **place: str) -> web.Response:
        self._check(call, **place)
        document = self._document(self.get(uuid=identity), self.language)
        return pdf_answer(document, content_type="application/octet-stream")

    @route("GET", "/{anything:*}", site=FILES)
    def elsewhere(self, call: Call, anything: str) -> web.Response:
        return pdf_answer(self.links.take(call))

    def _check(self, call: Call, tenant: str, environment: str, company: str) -> None:
        self.oauth.check(call)
        if (tenant, environment, company) != (_TENANT, "Production", _COMPANY):
            raise Refused(404, "another tenant, environment or company")

    def _link(self, call: Call, invoice: Invoice) -> str:
        if self.leads_elsewhere:
            return self.links.make(self.files, self._document(invoice, self.language))
        return f"{self.api}{call.raw_path}/pdfDocumentContent"

    @staticmethod
    def _row(invoice: Invoice, query: dict[str, str]) -> dict[str, str]:
        row = {
            "id": invoice.uuid,
            "number": invoice.number,
            "status": "Draft" if invoice.is_draft else "Open",
            "customerName": "Miller",
        }
        chosen = query.get("$select", ",".join(row)).split(",")
        if set(chosen) - set(row):
            raise Refused(400, "an unknown property is selected")
        return {"@odata.etag": 'W/"JzQ0"'} | {name: row[name] for name in chosen}

    @staticmethod
    def _document(invoice: Invoice, language: str) -> bytes:
        return make_pdf(len(invoice.pdf) + sum(language.encode()))

    @fact("A quote in the number is doubled inside the filter, and can't end it.")
    async def doubles_quotes(self, world: Any) -> None:
        await world.fetch_right('O\'Brien "7"')
        assert await world.outcome("' or status eq 'Open") == "document-not-found"
        assert self.refusals == []

    @fact("The link is followed with the access token.")
    async def follows_with_the_token(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        assert self.calls[-1].raw_path.endswith("/pdfDocumentContent")
        assert "Authorization" in self.calls[-1].headers

    @fact("If the link leads to another host, the access token isn't sent there.")
    async def keeps_the_token_from_others(self, world: Any) -> None:
        self.leads_elsewhere = True
        await world.fetch_right(NUMBERS[0])
        assert self.calls[-1].site == FILES
        assert self.refusals == []

    @fact("The document is in the language of the form.")
    async def asks_for_the_language(self, world: Any) -> None:
        await world.fetch(NUMBERS[0])
        assert self.language == "de-DE"

    @fact("An access token that has expired is replaced once, and the request sent again.")
    async def renews_the_token(self, world: Any) -> None:
        await world.fetch_right(NUMBERS[0])
        self.oauth.expire()
        await world.fetch_right(NUMBERS[1])
        assert self.oauth.given_out == 2
